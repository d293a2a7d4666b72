package read_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dateline/publisher/news"
	"dateline/publisher/read"
)

// known is a small gazetteer.
func known(name string) bool {
	return slices.Contains([]string{"vienna", "skopje", "tirana", "prishtinë/priština", "washington, d.c.", "the hague"}, strings.ToLower(name))
}

func TestParseDateline(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ line, raw, places, day, text string }{
		{"BELGRADE, 25 April 2015- The book", "BELGRADE, 25 April 2015-", "BELGRADE", "2015-04-25", "The book"},
		{"BELGRADE, 25 April 2015-The book", "BELGRADE, 25 April 2015-", "BELGRADE", "2015-04-25", "The book"},
		{"VIENNA, 17 May 2017 – The book", "VIENNA, 17 May 2017 –", "VIENNA", "2017-05-17", "The book"},
		{"SARAJEVO, 31 August 2000-- The book", "SARAJEVO, 31 August 2000--", "SARAJEVO", "2000-08-31", "The book"},
		{"VIENNA, 20 January 2025 — The book", "VIENNA, 20 January 2025 —", "VIENNA", "2025-01-20", "The book"},
		{"TASHKENT 29 March 2001 The book", "TASHKENT 29 March 2001", "TASHKENT", "2001-03-29", "The book"},
		{"TASHKENT 29 March 2001", "TASHKENT 29 March 2001", "TASHKENT", "2001-03-29", ""},
		{"SKOPJE, 9 April, 2004 - The book", "SKOPJE, 9 April, 2004 -", "SKOPJE", "2004-04-09", "The book"},
		{"GENEVA – 6 October 2020. The book", "GENEVA – 6 October 2020.", "GENEVA", "2020-10-06", "The book"},
		{"WARSAW/VIENNA, 30 August 2002- The book", "WARSAW/VIENNA, 30 August 2002-", "WARSAW|VIENNA", "2002-08-30", "The book"},
		{"TIRANA / BRUSSELS / GENEVA – 6 October 2020. The book", "TIRANA / BRUSSELS / GENEVA – 6 October 2020.", "TIRANA|BRUSSELS|GENEVA", "2020-10-06", "The book"},
		{"ST JOHANN IM PONGAU, Austria, 17 May 2017 – The book", "ST JOHANN IM PONGAU, Austria, 17 May 2017 –", "ST JOHANN IM PONGAU, Austria", "2017-05-17", "The book"},
		{"WASHINGTON, D.C., 23 October 2002- The book", "WASHINGTON, D.C., 23 October 2002-", "WASHINGTON, D.C.", "2002-10-23", "The book"},
		{"PRISHTINË/PRIŠTINA, 5 May 2011 – The book", "PRISHTINË/PRIŠTINA, 5 May 2011 –", "PRISHTINË/PRIŠTINA", "2011-05-05", "The book"},
		{"BEOGRAD, 13. marta 2013. godine – Knjiga", "BEOGRAD, 13. marta 2013. godine –", "BEOGRAD", "2013-03-13", "Knjiga"},
		{"БЕОГРАД, 2. децембра 2019. – Књига", "БЕОГРАД, 2. децембра 2019. –", "БЕОГРАД", "2019-12-02", "Књига"},
		{"ВЕНА, 22 ноября 2025 года – Книга", "ВЕНА, 22 ноября 2025 года –", "ВЕНА", "2025-11-22", "Книга"},
		{"VIENNA, May 17, 2017 – The book", "VIENNA, May 17, 2017 –", "VIENNA", "2017-05-17", "The book"},
		{"Vienna, 17 May 2017 – The book", "Vienna, 17 May 2017 –", "Vienna", "2017-05-17", "The book"},
		{"VIENNA, 17 May – The book", "VIENNA, 17 May –", "VIENNA", "0-05-17", "The book"},
		{"VIENNA – The book", "VIENNA –", "VIENNA", "0-00-00", "The book"},
		{"TIRANA-- The book", "TIRANA--", "TIRANA", "0-00-00", "The book"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			t.Parallel()
			o, ok := read.ParseDateline(tc.line, known)
			if !ok {
				t.Fatal("no dateline was found")
			}
			got := []string{o.Raw, strings.Join(o.Places, "|"), fmt.Sprintf("%d-%02d-%02d", o.Year, o.Month, o.Day), tc.line[o.Length:]}
			if want := []string{tc.raw, tc.places, tc.day, tc.text}; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
	for _, line := range []string{
		"", "–", "The meeting on 17 May 2017 – a Wednesday – began late", "OSCE – the Organization – was asked", "17 May 2017 – Text",
		"A / B / C / D, 17 May 2017 – Text", "VIENNA", "VIENNA, the city", "In 2017 – and later", "Vienna – a city", "31 of the 57 States",
		"VIENNA, 31 April 2017 – no such day",
	} {
		t.Run("no dateline in "+line, func(t *testing.T) {
			t.Parallel()
			if o, ok := read.ParseDateline(line, known); ok {
				t.Errorf("found %+v", o)
			}
		})
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2017-05-17": "2017-05-17T00:00:00Z day", "17 May 2017": "2017-05-17T00:00:00Z day", "Wednesday, 17 May 2017": "2017-05-17T00:00:00Z day",
		"17. Mai 2017": "2017-05-17T00:00:00Z day", "17 mai 2017": "2017-05-17T00:00:00Z day", "1er mai 2017": "2017-05-01T00:00:00Z day", "1st May 2017": "2017-05-01T00:00:00Z day",
		"22 ноября 2025": "2025-11-22T00:00:00Z day", "22 ноября 2025 г.": "2025-11-22T00:00:00Z day", "13.03.2013.": "2013-03-13T00:00:00Z day",
		"2017-05-17T10:00:00+02:00": "2017-05-17T10:00:00+02:00", "2017-05-17T10:00Z": "2017-05-17T10:00:00Z",
		"2017-05-17 10:00": "2017-05-17T00:00:00Z day", "12/05/2025": "", "29 February 2023": "", "29 February 2024": "2024-02-29T00:00:00Z day", "17 May": "", "May": "",
		"17 de mayo de 2017": "2017-05-17T00:00:00Z day", "17 maggio 2017": "2017-05-17T00:00:00Z day", "13. marta 2013. godine": "2013-03-13T00:00:00Z day",
		"2. децембра 2019. године": "2019-12-02T00:00:00Z day", "17 août 2017": "2017-08-17T00:00:00Z day", "17-May-2017": "2017-05-17T00:00:00Z day",
		"17/05/2017": "2017-05-17T00:00:00Z day", "05/17/2017": "2017-05-17T00:00:00Z day", "5/5/2017": "2017-05-05T00:00:00Z day", "17/17/2017": "",
		"17.05.2017 10:30": "2017-05-17T00:00:00Z day", "17.05.2017 10:30 MSK": "2017-05-17T10:30:00+03:00", "17 May 2017 10:30": "2017-05-17T00:00:00Z day",
		"Wed, 17 May 2017 10:30:00 +0200": "2017-05-17T10:30:00+02:00", "Wed, 17 May 2017 10:30 GMT": "2017-05-17T10:30:00Z",
		"17 May 2017, 10:30 p.m. (CEST)": "2017-05-17T22:30:00+02:00", "17 May 2017 at 00:05 UTC+2": "2017-05-17T00:05:00+02:00",
		"17 May 2017 19:30 (Kyiv time)": "2017-05-17T00:00:00Z day", "17 May 2017 10:30 XYZ": "", "17 May 2017 25:30": "", "17 May 2017 1:3": "",
		"2017-05-17T10:00:00+0200": "2017-05-17T10:00:00+02:00", "20170517T103000Z": "2017-05-17T10:30:00Z", "2017-05-17T10:00:00": "2017-05-17T00:00:00Z day",
		"17 May 2017 and later": "", "yesterday": "", "17 May 20177": "",
	} {
		t.Run(s, func(t *testing.T) {
			t.Parallel()
			at, dayOnly, ok := read.ParseDate(s)
			got := ""
			if ok {
				got = at.Format(time.RFC3339)
			}
			if dayOnly {
				got += " day"
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestReader_Spell(t *testing.T) {
	t.Parallel()
	r := newReader()
	for name, want := range map[string]string{
		"ST JOHANN IM PONGAU": "St Johann im Pongau", "VIENNA": "Vienna", "KOLASIN": "Kolašin", "BAD ISCHL AN DER TRAUN": "Bad Ischl an der Traun",
		"CHALON-SUR-SAÔNE": "Chalon-sur-Saône", "L'AQUILA": "L'Aquila", "WASHINGTON D.C.": "Washington D.C.", "THE HAGUE": "The Hague",
		"MINSK": "Minsk", "La Spezia": "La Spezia", "НОВИ САД": "Нови Сад",
	} {
		if got := r.Spell(name); got != want {
			t.Errorf("%q is spelled %q, want %q", name, got, want)
		}
	}
}

func FuzzDateline(f *testing.F) {
	for _, s := range []string{
		"VIENNA, 17 May 2017 – x", "A/B/C, 1 May – x", "GENEVA – 6 October 2020. x", "БЕОГРАД, 2. децембра 2019. – x", "VIENNA –", "13. marta 2013. godine",
		"May 17, 2017", "St Johann, 17 May 2017-x", "\xff, 1 May 2017", "1 1 1 1 May 9999",
	} {
		f.Add(s)
	}
	r := newReader()
	f.Fuzz(func(t *testing.T, s string) {
		o, ok := read.ParseDateline(s, known)
		if !ok {
			return
		}
		if o.Length < 0 || o.Length > len(s) || !strings.HasPrefix(strings.TrimSpace(s), strings.TrimSpace(o.Raw)) {
			t.Errorf("%q: length %d, raw %q", s, o.Length, o.Raw)
		}
		if n := len(o.Places); n < 1 || n > 3 {
			t.Errorf("%q has %d places", s, n)
		}
		if o.Day != 0 && (o.Day > 31 || o.Month < 1 || o.Month > 12) {
			t.Errorf("%q is on %d-%d", s, o.Month, o.Day)
		}
		for _, p := range o.Places {
			if utf8.ValidString(p) && !utf8.ValidString(r.Spell(p)) {
				t.Errorf("%q is spelled in broken UTF-8", p)
			}
		}
		if again, ok := read.ParseDateline(o.Raw, known); o.Day != 0 && (!ok || again.Day != o.Day || again.Year != o.Year) {
			t.Errorf("%q reads as %+v, its raw form as %+v %v", s, o, again, ok)
		}
	})
}

func TestReader_about(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, title, date, sources, text, want string }{
		{"a name", "Round table in Kazakhstan", "2015-01-01", "", "x", "kazakhstan title"},
		{"a demonym in the plural", "Albanians vote abroad", "2015-01-01", "", "x", "albania title"},
		{"a genitive", "Finland’s priorities", "2015-01-01", "", "x", "finland title"},
		{"an acronym", "US and UK support training", "2015-01-01", "", "x", "united-states-of-america title, united-kingdom title"},
		{"an acronym with full stops", "Training by the U.S.", "2015-01-01", "", "x", "united-states-of-america title"},
		{"no acronym", "Help us learn", "2015-01-01", "", "x", ""},
		{"a city that is no seat", "Conference in Skopje", "2015-01-01", "", "x", "north-macedonia title"},
		{"a seat city", "Conference in Vienna", "2015-01-01", "", "x", ""},
		{"the longest match", "Police of Bosnia and Herzegovina and of Serbia", "2015-01-01", "", "x", "bosnia-and-herzegovina title, serbia title"},
		{"a former State", "Future of Serbia and Montenegro", "2005-01-01", "", "x", "serbia title, montenegro title"},
		{"a former name", "Minister of the former Yugoslav Republic of Macedonia speaks", "2015-01-01", "", "x", "north-macedonia title"},
		{"a region and its adjective", "Transdniestrian settlement talks", "2015-01-01", "", "x", "moldova title"},
		{"part of a word", "Germanium and Omanis", "2015-01-01", "", "x", ""},
		{"a town that is a word", "Bar association meets", "2015-01-01", "", "x", ""},
		{"a town that is a word, as a place", "Lawyers meet in Bar", "2015-01-01", "", "x", "montenegro title"},
		{"a city that names a text", "Training on the Bangkok Rules and the Helsinki Final Act", "2015-01-01", "", "x", ""},
		{"a language", "Russian-language media in Latvia", "2015-01-01", "", "x", "latvia title"},
		{"a person's nationality", "Finnish MP leads observers in Montenegro", "2015-01-01", "", "x", "montenegro title"},
		{"an ethnic group", "Training for Kosovo Serbs and Kosovo Albanians", "2015-01-01", "", "x", "kosovo title"},
		{"a people within a State", "Bosnian Serb leaders urged to talk", "2015-01-01", "", "x", "bosnia-and-herzegovina title"},
		{"an ambiguous city that the title explains", "Ukraine: shelling in Donetsk", "2015-01-01", "", "x", "ukraine title"},
		{"a people elsewhere", "Schools for ethnic Albanians in Serbia", "2015-01-01", "", "x", "serbia title"},
		{"two peoples with a dash", "Serbian-Croatian talks on pensions", "2015-01-01", "", "x", "serbia title, croatia title"},
		{"a donor", "US-funded library opens in Armenia", "2015-01-01", "", "x", "armenia title"},
		{"a study visit", "Kyrgyz judges on study visit to Poland", "2015-01-01", "", "x", "kyrgyzstan title"},
		{"a visit", "Chairman visits Georgia", "2015-01-01", "", "x", "georgia title"},
		{"a nationality alone", "Finnish experts meet", "2015-01-01", "", "x", "finland title"},
		{"the chair's nationality", "Spanish OSCE Chairmanship concerned about Kosovo", "2007-01-01", "", "x", "kosovo title"},
		{"the chair's minister", "OSCE Chairman-in-Office, Minister for Foreign Affairs of Slovenia, visits Georgia", "2005-01-01", "", "x", "georgia title"},
		{"another minister", "OSCE Chairman-in-Office meets Minister for Foreign Affairs of Georgia", "2005-01-01", "", "x", "georgia title"},
		{"the chair's own country taken up", "Finland takes over OSCE Chairmanship", "2008-01-01", "", "x", "finland title"},
		{"the host", "Head of Mission speaks to students", "2015-01-01", "Mission to Serbia", "x", "serbia host"},
		{"a second host", "Conference in Kazakhstan", "2015-01-01", "Programme Office in Dushanbe", "x", "kazakhstan title, tajikistan host"},
		{"a dateline", "Students learn about rights", "2015-01-01", "", "BISHKEK, 1 January 2015 – x", "kyrgyzstan dateline"},
		{"a dateline at a seat", "Students learn about rights", "2015-01-01", "", "VIENNA, 1 January 2015 – x", ""},
		{"a venue", "Co-ordinators meet", "2015-01-01", "", "STRASBOURG, 1 January 2015 – x", ""},
		{"the chair's capital", "Panel hands over report", "2020-01-01", "Chairmanship", "TIRANA, 1 January 2020 – x", ""},
		{"a Russian title", "Выборы на Украине и в Республике Молдова", "2015-01-01", "", "x", "ukraine title, moldova title"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			doc := fmt.Sprintf("---\ntitle: %q\ndate: %s\nsources: %q\n---\n%s", tc.title, tc.date, tc.sources, tc.text)
			p, err := newReader().Read([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range p.Release.Countries {
				if c.Role == news.About {
					got = append(got, c.Slug+" "+c.Evidence.Rule)
					if c.Evidence.Words == "" || c.Evidence.Confidence <= 0 || c.Evidence.Confidence >= 1 {
						t.Errorf("%s has the evidence %+v", c.Slug, c.Evidence)
					}
				}
			}
			if strings.Join(got, ", ") != tc.want {
				t.Errorf("about %q, want %q", strings.Join(got, ", "), tc.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	fifty := strings.Repeat("word ", 50)
	for name, tc := range map[string]struct{ first, rest, want string }{
		"a short paragraph":            {" One  sentence. ", "Two.", "One sentence."},
		"up to a sentence":             {fifty + "end. " + fifty, "", fifty + "end."},
		"up to a sentence in quotes":   {"“" + fifty + "end?” " + fifty, "", "“" + fifty + "end?”"},
		"no sentence that fits":        {fifty + fifty, "", strings.TrimSpace(strings.Repeat("word ", 60)) + "…"},
		"no word that fits":            {strings.Repeat("é", 400), "", strings.Repeat("é", 300) + "…"},
		"an abbreviation is no end":    {"Prof. N. " + strings.Repeat("é", 400), "", "Prof. N.…"},
		"a dateline that stands alone": {"", "The next paragraph.\n\nMore.", "The next paragraph."},
		"nothing":                      {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := read.Summary(tc.first, tc.rest); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestReader_DetectLanguage(t *testing.T) {
	t.Parallel()
	r := newReader()
	for text, want := range map[string]string{
		"The book was handed to the students of the faculty.":              "en",
		"Le livre est destiné aux étudiants dans les écoles.":              "fr",
		"Das Buch ist für die Schüler und von der Stadt.":                  "de",
		"Knjiga je za studente i nastavnike na fakultetu u gradu.":         "", // or Bosnian, Croatian, Montenegrin
		"Deca iz dva grada dobila su knjigu i savet za putovanje.":         "sr",
		"Djeca će sljedećeg tjedna dobiti knjigu i savjet.":                "hr",
		"Librat janë të reja":                                              "",
		"Dziennikarze uczyli się sprawdzać wiadomości w czasie wyborów.":   "pl",
		"Jurnalistlar saylov davrida xabarlarni tekshirishni oʻrgandilar.": "uz",
		"The monitors find a pipeline repaired; it holds.":                 "en", "Monitors see pipeline repaired": "",
		"Книга за студенти и наставници, и за нивните пријатели.": "mk",
		"Књига је за студенте и наставнике.":                      "sr",
		"Књига ће бити за ђаке.":                                  "sr",
		"Книга предназначена для студентов.":                      "ru",
		"Книга призначена для студентів і вчителів.":              "uk",
		"Libri është për studentët dhe në shkollë.":               "sq",
		"წიგნი სტუდენტებისთვის":                                   "ka",
		"12345": "", "Xyzzy plugh": "", "": "",
	} {
		if got := r.DetectLanguage(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
