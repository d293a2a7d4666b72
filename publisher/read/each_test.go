package read_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dateline/publisher/news"
	"dateline/publisher/read"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// each reads all of a document.
func each(doc string) (proposals []read.Proposal, refusals []error) {
	for p, err := range newReader().Each([]byte(doc)) {
		if err != nil {
			refusals = append(refusals, err)
			continue
		}
		proposals = append(proposals, p)
	}
	return proposals, refusals
}

func TestReader_Read_manyReleases(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"formats/rss.xml": "this feed lists 3 releases", "formats/atom.xml": "this feed lists 2 releases", "formats/jsonfeed.json": "this feed lists 3 releases",
		"formats/wordpress.xml": "this WordPress export lists 2 releases", "formats/ninjs-3.json": "this JSON lists 5 releases",
		"pages/listing-russian.txt": "this page lists 2 releases", "pages/newsroom-list-2001.txt": "this page lists 2 releases",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			_, err = newReader().Read(b)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "dateline import") {
				t.Errorf("error is %v, want %q and the command that reads it", err, want)
			}
		})
	}
}

func TestReader_Each_stops(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rss.xml", "atom.xml", "jsonfeed.json", "wordpress.xml", "ninjs-3.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", "formats", name))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range newReader().Each(b) {
			if n++; err != nil {
				t.Error(err)
			}
			break
		}
		if n != 1 {
			t.Errorf("%s gave %d entries after the first was enough", name, n)
		}
	}
}

func TestReader_Each_lines(t *testing.T) {
	t.Parallel()
	got, refused := each(`{"title":"A","date":"2017-05-17","text":"x"}
{"title":"B","text":"x"}
{"title":"C","date":"2017-05-18","text":"x"}
{"title":"D",`)
	if len(got) != 2 || got[0].Release.Title != "A" || got[1].Release.Title != "C" {
		t.Errorf("read %+v", got)
	}
	if len(refused) != 2 || !strings.Contains(refused[0].Error(), "no date") || !strings.Contains(refused[1].Error(), "breaks off") {
		t.Errorf("refused %v", refused)
	}
}

func TestReader_Each_partial(t *testing.T) {
	t.Parallel()
	got, refused := each(`First notice
Date: 1 May 2017
He said: “We are...”
Then he went on.
Second notice
Date: 2 May 2017
The whole text.
Third notice
Date: 3 May 2017
It is cut... Read more
1
2
Next
`)
	if len(got) != 3 || len(refused) > 0 {
		t.Fatalf("read %d, refused %v", len(got), refused)
	}
	for i, want := range []struct {
		text    string
		partial bool
	}{{"He said: “We are...”\n\nThen he went on.", false}, {"The whole text.", false}, {"It is cut... Read more", true}} {
		if r := got[i].Release; r.Text != want.text || r.Partial != want.partial || got[i].Partial != want.partial {
			t.Errorf("entry %d is %q, partial %v; want %+v", i, r.Text, r.Partial, want)
		}
	}
}

func TestReader_Each_refuses(t *testing.T) {
	t.Parallel()
	page := func(s string) string { return "<!DOCTYPE html><html><body>" + s + "</body></html>" }
	text := strings.Repeat("<p>A line of text that is long enough for an article.</p>", 9)
	for name, tc := range map[string]struct {
		doc  string
		code news.Code
		want string
	}{
		"nothing":                           {"", news.Unacceptable, "empty"},
		"a feed without items":              {`<rss version="2.0"><channel><title>x</title></channel></rss>`, news.Unacceptable, "no release in this document"},
		"an empty list":                     {"[]", news.Unacceptable, "no release in this document"},
		"a list that ends":                  {`[{"title":"T","date":"2017-05-17","text":"x"}`, news.BadRequest, "breaks off"},
		"a list of words":                   {`["x"]`, news.BadRequest, "no object"},
		"a feed that ends":                  {`<rss version="2.0"><channel><item><title>x</title>`, news.Unacceptable, "breaks off"},
		"a feed that ends between entries":  {`<rss version="2.0"><channel><item><title>x</title></item>`, news.Unacceptable, "breaks off"},
		"an export that ends between posts": {`<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>x</title></item>`, news.Unacceptable, "breaks off"},
		"an export that ends":               {`<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>x`, news.Unacceptable, "breaks off"},
		"entities":                          {`<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "b">]><rss><channel><item><title>&a;</title></item></channel></rss>`, news.Unacceptable, "entities"},
		"entities in an export":             {`<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss xmlns:wp="http://wordpress.org/export/1.2/"></rss>`, news.Unacceptable, "entities"},
		"deep XML":                          {"<rss><channel>" + strings.Repeat("<a>", 1000), news.Unacceptable, "nests more than 100"},
		"deep XML in an export":             {`<rss xmlns:wp="http://wordpress.org/export/1.2/">` + strings.Repeat("<a>", 1000), news.Unacceptable, "nests more than 100"},
		"many namespaces":                   {"<rss>" + strings.Repeat(`<a xmlns:b="c"/>`, 1000), news.Unacceptable, "namespaces"},
		"many entries":                      {"<rss><channel>" + strings.Repeat("<item/>", 20_001), news.TooLarge, "20000 entries"},
		"many objects":                      {strings.Repeat("{}\n", 20_001), news.TooLarge, "20000 entries"},
		"other XML":                         {`<?xml version="1.0"?><svg/>`, news.Unacceptable, "no RSS"},
		"a page of 5 MB":                    {page(strings.Repeat("word ", 1<<20)), news.TooLarge, "5120 kB"},
		"a page in text form of 5 MB":       {strings.Repeat("word ", 1<<20), news.TooLarge, "5120 kB"},
		"a page of many elements":           {page(strings.Repeat("<br>", 41_000)), news.TooLarge, "elements"},
		"a page of many lines":              {strings.Repeat("a\n", 51_000), news.TooLarge, "lines"},
		"a listing without end":             {strings.Repeat("T\nDate: 1 May 2017\nText.\n", 1_001), news.TooLarge, "more than 1000 releases"},
		"deep HTML":                         {page(strings.Repeat("<div>", 5000)), news.Unacceptable, "nested too deeply"},
		"a page that ends":                  {"<!DOCTYPE html><html><body><h1>T</h1>" + text, news.Unacceptable, "breaks off"},
		"a page that ends in a tag":         {"<div><h1>T</h1>" + text + "<p class=\"te", news.Unacceptable, "breaks off"},
		"two descriptions":                  {page(`<script type="application/ld+json">[{"@type":"NewsArticle","headline":"A"},{"@type":["NewsArticle"],"headline":"B"}]</script>` + text), news.Unacceptable, `describes 2 articles: "A", "B"`},
		"no date":                           {page("<h1>T</h1>" + text), news.Unacceptable, "no date"},
		"a withdrawn event":                 {`{"specversion":"1.0","type":"dateline.release.withdrawn.v1","datelinestatus":"withdrawn","data":{"uri":"x"}}`, news.Unacceptable, "withdrawn"},
		"a withheld item":                   {`{"uri":"x","pubStatus":"withheld"}`, news.Unacceptable, "withheld"},
		"a list for a title":                {`{"uri":"x","title":[1]}`, news.Unacceptable, `under "Title"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, refused := each(tc.doc)
			if len(refused) == 0 {
				t.Fatalf("nothing was refused, read %d", len(got))
			}
			last := refused[len(refused)-1]
			if news.CodeOf(last) != tc.code || !strings.Contains(last.Error(), tc.want) {
				t.Errorf("error is %s %q, want %s and %q in it", news.CodeOf(last), last, tc.code, tc.want)
			}
		})
	}
}

func TestReader_Read_encodings(t *testing.T) {
	t.Parallel()
	encoded := func(e encoding.Encoding, s string) string {
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const (
		russian   = "# Семинар в Бишкеке\n\nБИШКЕК, 17 мая 2017 года – «Участники» семинара обсудили школьные книги и карты."
		ukrainian = "# Семінар у Києві\n\nКИЇВ, 17 мая 2017 – Учасники обговорили шкільні книги, їхні карти та ґрунт."
		german    = "# Bücher für Schüler\n\nWIEN, 17 May 2017 – „Größere“ Bücher kosten 5 € mehr – für Schüler aus Österreich."
		spanish   = "# ¿Qué leen los niños?\n\nMADRID, 17 de mayo de 2017 – ¡Más libros! Los niños leen ½ hora al día; cuesta 5 £ o 5 €."
		french    = "# Des livres à l’école\n\nPARIS, 17 mai 2017 – Où sont les élèves ? À l’école, près de la forêt."
		english   = "# Books for schools\n\nVIENNA, 17 May 2017 – “Larger” books – for the pupils’ bags…"
		serbian   = "# Knjige za đake\n\nBEOGRAD, 17. maja 2017. godine – Učenici su čitali knjige o bezbednosti, a škola će ih čuvati."
		cyrillic  = "# Књиге за ђаке\n\nБЕОГРАД, 17. маја 2017. године – Ученици су читали књиге о љубави и њивама."
	)
	for name, tc := range map[string]struct {
		doc  string
		want string // "" for refused
	}{
		"Russian in Windows-1251":          {encoded(charmap.Windows1251, russian), russian},
		"Ukrainian in Windows-1251":        {encoded(charmap.Windows1251, ukrainian), ukrainian},
		"Serbian Cyrillic in Windows-1251": {encoded(charmap.Windows1251, cyrillic), cyrillic},
		"German in Windows-1252":           {encoded(charmap.Windows1252, german), german},
		"Spanish in Windows-1252":          {encoded(charmap.Windows1252, spanish), spanish},
		"French in Windows-1252":           {encoded(charmap.Windows1252, french), french},
		"quotes alone in Windows-1252":     {encoded(charmap.Windows1252, english), english},
		"Russian in KOI8-R":                {encoded(charmap.KOI8R, strings.NewReplacer("–", "-", "«", "", "»", "").Replace(russian)), ""},
		"Russian in code page 866":         {encoded(charmap.CodePage866, strings.NewReplacer("–", "-", "«", "", "»", "").Replace(russian)), ""},
		"Russian in ISO 8859-5":            {encoded(charmap.ISO8859_5, strings.NewReplacer("–", "-", "«", "", "»", "").Replace(russian)), ""},
		"Serbian in Windows-1250":          {encoded(charmap.Windows1250, serbian), ""},
		"German in code page 850":          {encoded(charmap.CodePage850, strings.NewReplacer("–", "-", "„", "", "“", "", "€", "").Replace(german)), ""},
		"UTF-8 with a broken letter":       {german + "\xff", ""},
		"UTF-8 cut within the last letter": {russian + "\xd0", russian},
		"letters and control characters":   {"# T\n\nVIENNA, 17 May 2017 \x01\x02 \xe9 and more", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := newReader().Read([]byte(tc.doc))
			if tc.want == "" {
				if news.CodeOf(err) != news.Unacceptable || !strings.Contains(err.Error(), "byte") {
					t.Errorf("read %q, %v; want it refused with the byte", p.Release.Title, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			title, text, _ := strings.Cut(tc.want, "\n\n")
			if "# "+p.Release.Title != title || p.Release.Text != text {
				t.Errorf("read\n%q\n%q, want\n%q", p.Release.Title, p.Release.Text, tc.want)
			}
		})
	}
	t.Run("an encoding that HTML declares", func(t *testing.T) {
		t.Parallel()
		const html = `<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2"><title>Knjige za đake</title></head><body><p>BEOGRAD, 17. maja 2017. godine – Učenici su čitali knjige o bezbednosti, a škola će ih čuvati. Učenici su čitali knjige o bezbednosti, a škola će ih čuvati.</p></body></html>`
		p, err := newReader().Read([]byte(encoded(charmap.ISO8859_2, strings.ReplaceAll(html, "–", "-"))))
		if err != nil || p.Release.Title != "Knjige za đake" {
			t.Errorf("title is %q, %v", p.Release.Title, err)
		}
	})
	t.Run("an encoding that XML declares", func(t *testing.T) {
		t.Parallel()
		feed := `<?xml version="1.0" encoding="koi8-r"?><rss version="2.0"><channel><item><title>Семинар</title><pubDate>Wed, 17 May 2017 10:30:00 GMT</pubDate><description>Участники обсудили книги.</description></item></channel></rss>`
		p, err := newReader().Read([]byte(encoded(charmap.KOI8R, feed)))
		if err != nil || p.Release.Title != "Семинар" || p.Release.Text != "Участники обсудили книги." {
			t.Errorf("read %q, %q, %v", p.Release.Title, p.Release.Text, err)
		}
	})
}

// TestReader_Each_cloudEvent reads what Dateline emits.
func TestReader_Each_cloudEvent(t *testing.T) {
	t.Parallel()
	const base = "https://news.example.org"
	taxonomy := news.DefaultTaxonomy()
	p, err := newReader().Read([]byte(markdown))
	if err != nil {
		t.Fatal(err)
	}
	p.Release.ID = news.NewID(p.Release.Origin)
	emit := func(prev *news.Release, next news.Release, kind news.Kind) (news.Event, string) {
		e, err := news.Next(prev, next, kind, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := news.CloudEvent(taxonomy, base, e)
		if err != nil {
			t.Fatal(err)
		}
		return e, string(b)
	}
	first, published := emit(nil, p.Release, news.KindPublished)
	t.Run("the same content comes back", func(t *testing.T) {
		got, refused := each(published)
		if len(got) != 1 || len(refused) > 0 {
			t.Fatalf("read %d, refused %v", len(got), refused)
		}
		back, want := got[0].Release, first.Release
		want.URL = news.ReleaseURL(base, want.ID, want.Title) // its page is where it can be read
		if !news.SameContent(&back, &want) {
			t.Errorf("read\n%+v, want\n%+v", back, want)
		}
		if back.Origin != want.Origin {
			t.Errorf("origin %q, want %q", back.Origin, want.Origin)
		}
	})
	t.Run("a list of events", func(t *testing.T) {
		if got, refused := each("[" + published + ",\n" + published + "]"); len(got) != 2 || len(refused) > 0 {
			t.Errorf("read %d, refused %v", len(got), refused)
		}
	})
	t.Run("a correction keeps its note", func(t *testing.T) {
		next := first.Release
		next.Note = "There are twelve."
		_, corrected := emit(&first.Release, next, news.KindCorrected)
		if got, _ := each(corrected); len(got) != 1 || !strings.Contains(got[0].Release.Text, "There are twelve.") {
			t.Errorf("read %+v", got)
		}
	})
	t.Run("a withdrawal is refused", func(t *testing.T) {
		next := first.Release
		next.Reason = "It was wrong."
		_, withdrawn := emit(&first.Release, next, news.KindWithdrawn)
		if _, refused := each(withdrawn); len(refused) != 1 || !strings.Contains(refused[0].Error(), "withdrawn") {
			t.Errorf("refused %v", refused)
		}
	})
}

func FuzzEach(f *testing.F) {
	for _, pattern := range []string{"formats/*", "pages/*"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	r, taxonomy := newReader(), news.DefaultTaxonomy()
	f.Fuzz(func(t *testing.T, b []byte) {
		var first []string
		for p, err := range r.Each(b) {
			if err == nil {
				sound(t, taxonomy, p)
			} else if news.CodeOf(err) == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("the refusal %q is no problem in words", err)
			}
			first = append(first, fmt.Sprint(p, err))
		}
		if len(first) == 0 {
			t.Error("neither a release nor a refusal came")
		}
		var again []string
		for p, err := range r.Each(b) {
			again = append(again, fmt.Sprint(p, err))
		}
		if !slices.Equal(first, again) {
			t.Errorf("read again it is %q, was %q", again, first)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2017-05-17", "17 May 2017, 10:30 p.m. (CEST)", "13. marta 2013. godine", "17/05/2017 10:30 +0200", "20170517T103000Z", "Wed, 17 May 2017 10:30:00 GMT", "1er août 2017 à 10h30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, dayOnly, ok := read.ParseDate(s)
		if !ok {
			return
		}
		if dayOnly && (at.Location() != time.UTC || !at.Equal(at.Truncate(24*time.Hour))) {
			t.Errorf("%q is the day %v", s, at)
		}
		if again, _, ok := read.ParseDate(at.Format(time.RFC3339Nano)); at.Year() > 999 && (!ok || !again.Equal(at)) {
			t.Errorf("%q is %v, which reads as %v", s, at, again)
		}
	})
}
