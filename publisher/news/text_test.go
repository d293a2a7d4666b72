package news_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"dateline/publisher/news"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                      "plain",
		"a\r\nb\rc\u2028d\u2029e\tf": "a\nb\nc\nd\ne\tf",
		"nul\x00bell\aesc\x1b[31m":   "nulbellesc[31m",
		"c1\u0085\u009b":             "c1",
		"\ufeffbom":                  "bom",
		"bad\xff\xfeutf\xc3":         "badutf",
		"\u202egnp.exe\u202c":        "gnp.exe",
		"\u2066iso\u2069":            "iso",
		"non\ufdd0\ufffe\uffff":      "non",
		"private\ue000\uf8ff":        "private",
		"replaced\ufffd":             "replaced",
		"наш 😀 é e\u0301":            "наш 😀 é e\u0301",
		"a\r\x00\nb":                 "a\n\nb",
	} {
		if got := news.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := news.CleanLine(" a\r\n\tb\u00a0 c\x00 "); got != "a b c" {
		t.Errorf("CleanLine gives %q", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a\r\nb", "\xe2\x80\xff\xa8", "\u202e", "\x00", "\ufeff\ufeff", "\r\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := news.Clean(s)
		if !utf8.ValidString(got) || news.Clean(got) != got {
			t.Fatalf("Clean(%q) = %q is not clean", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q holds %U", got, r)
			}
		}
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(got)); err != nil || strings.ContainsRune(b.String(), utf8.RuneError) {
			t.Fatalf("%q does not fit into XML: %v", got, err)
		}
		if line := news.CleanLine(s); news.CleanLine(line) != line || strings.ContainsAny(line, "\n\t") {
			t.Fatalf("CleanLine(%q) = %q is no line", s, line)
		}
	})
}

func TestSlugify(t *testing.T) {
	for in, want := range map[string]string{
		"Cyber/ICT Security":           "cyber-ict-security",
		"  Hello,   World!  ":          "hello-world",
		"Türkiye":                      "turkiye",
		"TU\u0308RKIYE":                "turkiye",
		"İstanbul":                     "istanbul",
		"Łódź":                         "lodz",
		"Straße":                       "strasse",
		"Prishtinë/Priština":           "prishtine-pristina",
		"Women's rights":               "womens-rights",
		"Women’s rights":               "womens-rights",
		"Пресс-релиз":                  "press-reliz",
		"большой объём":                "bolshoy-obem",
		"БОЛЬШОЙ ОБЪЁМ":                "bolshoy-obem",
		"русский":                      "russkiy",
		"русскии\u0306":                "russkiy",
		"Щит, ёж, юг и яма":            "shchit-ezh-yug-i-yama",
		"Қазақша":                      "kazaksha",
		"Кыргызча":                     "kyrgyzcha",
		"Тоҷикӣ":                       "tojiki",
		"Українська":                   "ukrayinska",
		"Беларускі ўрад":               "belaruski-urad",
		"Oʻzbekcha":                    "ozbekcha",
		"Azərbaycanca":                 "azarbaycanca",
		"日本":                           "",
		"–":                            "",
		"":                             "",
		"a\xffb":                       "a-b",
		strings.Repeat("a", 100):       strings.Repeat("a", 80),
		strings.Repeat("word ", 30):    strings.TrimSuffix(strings.Repeat("word-", 16), "-"),
		strings.Repeat("a", 80) + " b": strings.Repeat("a", 80),
	} {
		if got := news.Slugify(in); got != want {
			t.Errorf("Slugify(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzSlugify(f *testing.F) {
	for _, s := range []string{"Cyber/ICT", "й", "и\u0306", strings.Repeat("ab ", 50), "ъьъ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := news.Slugify(s)
		if len(got) > 80 || news.Slugify(got) != got || strings.HasPrefix(got, "-") || strings.HasSuffix(got, "-") || strings.Contains(got, "--") {
			t.Fatalf("Slugify(%q) = %q", s, got)
		}
		if strings.Trim(got, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Fatalf("Slugify(%q) = %q holds strange characters", s, got)
		}
	})
}

func TestReleaseURL(t *testing.T) {
	if got := news.ReleaseURL("https://x.org", "id", "Hello, World"); got != "https://x.org/releases/id/hello-world" {
		t.Error(got)
	}
	if got := news.ReleaseURL("https://x.org", "id", "日本"); got != "https://x.org/releases/id" {
		t.Error(got)
	}
}

// The vectors are frozen: every id in the world depends on them. They are
// UUIDs of version 5 (RFC 9562 section 5.5) in the namespace
// 6f1c7d52-0b9e-5a41-9d37-2c84e01f6ad3.
func TestNewID_Vectors(t *testing.T) {
	for origin, want := range map[string]string{
		"":                           "4513aa9d-076c-586f-9ae1-fabf942a5f7b",
		"https://example.org/news/1": "54b3245b-e5fc-535e-8316-033973fe26fa",
		"Москва":                     "9b9d319b-5071-5543-ab7c-e8e9a3c09ba2",
	} {
		if got := news.NewID(origin); got != want || !news.ValidID(got) {
			t.Errorf("NewID(%q) = %q, want %q", origin, got, want)
		}
	}
}

func TestValidID(t *testing.T) {
	good := news.NewID("x")
	for in, want := range map[string]bool{
		good: true, "": false, good + "0": false, good[:35]: false, strings.ToUpper(good): false,
		strings.Replace(good, "-", "0", 1): false, "g" + good[1:]: false, strings.Repeat("-", 36): false,
		good[:34] + "é": false, good[:35] + ".": false,
	} {
		if news.ValidID(in) != want {
			t.Errorf("ValidID(%q) is %v", in, !want)
		}
	}
}

func FuzzNewID(f *testing.F) {
	f.Add("https://example.org/")
	f.Fuzz(func(t *testing.T, origin string) {
		id := news.NewID(origin)
		if !news.ValidID(id) || id[14] != '5' || !strings.ContainsRune("89ab", rune(id[19])) || news.NewID(origin) != id {
			t.Fatalf("NewID(%q) = %q", origin, id)
		}
	})
}
