package read_test

import (
	"strings"
	"testing"

	"dateline/publisher/read"
)

func TestEmbargoNotice(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"EMBARGOED UNTIL 10:00 CET, 12 May 2026",
		"Embargoed till Monday",
		"*** STRICTLY EMBARGOED UNTIL 12 MAY ***",
		"**Embargoed for release until 9 a.m.**",
		"> Embargo: 12 May 2026, 10:00",
		"- Embargo:",
		"# EMBARGO",
		"EMBARGOED",
		"Embargo – 12.05.2026",
		"EMBARGO 12/05/2026 10:00",
		"Embargo ends 12 May 2026",
		"UNDER EMBARGO",
		"Under strict embargo until further notice",
		"This statement is under embargo until 10 a.m.",
		"SPERRFRIST: 12. Mai 2026, 10 Uhr",
		"Sperrfrist bis 12. Mai",
		"Gesperrt bis Montag, 10 Uhr",
		"ЭМБАРГО ДО 12 мая 2026 года",
		"Эмбарго: 10.00",
		"Под эмбарго до 10 часов",
		"ЕМБАРГО ДО 12 травня",
		"EMBARGO JUSQU’AU 12 mai 2026",
		"Sous embargo jusqu'au 12 mai",
		"EMBARGADO HASTA EL 12 DE MAYO",
		"Embargo do 12. maja u 10 sati",
		"NOT FOR PUBLICATION BEFORE 10:00",
		"Do not publish or broadcast before noon",
		"HOLD FOR RELEASE UNTIL 12 MAY",
		"Round table in Tirana (EMBARGOED UNTIL 12 MAY)",
		"Round table in Tirana [under embargo]",
		"Embargoed\u00a0until\u00a010:00",
	} {
		if got := read.EmbargoNotice("Round table\n\n" + line + "\n\nThe text.\n"); got == "" {
			t.Errorf("%q is not found", line)
		}
	}
	for _, line := range []string{
		"The embargo on arms exports was extended until May.",
		"Embargo on arms exports extended",
		"Embargoed goods seized at the border",
		"Arms embargo",
		"Under embargo rules, exporters need a licence.",
		"Embargo: none",
		"Embargo lifted",
		"NO EMBARGO",
		"Sperrfrist: keine",
		"Эмбарго: нет",
		"The report was embargoed until Tuesday.",
		"For immediate release",
		"For release by the press office",
		"Do not use the lift in case of fire",
		"Hold the line, says the commander",
		"",
	} {
		if got := read.EmbargoNotice("Round table\n\n" + line + "\n\nThe text.\n"); got != "" {
			t.Errorf("%q is taken for a notice: %q", line, got)
		}
	}
	t.Run("one that runs on into the text is found and cut", func(t *testing.T) {
		got := read.EmbargoNotice("EMBARGOED UNTIL 10:00. VIENNA, 12 May – " + strings.Repeat("word ", 10_000))
		if !strings.HasPrefix(got, "EMBARGOED UNTIL 10:00.") || len(got) > 200 {
			t.Errorf("got %d bytes: %.60q", len(got), got)
		}
	})
	t.Run("it stands near the head, also below a navigation", func(t *testing.T) {
		if read.EmbargoNotice(strings.Repeat("- About us\n\n", 200)+"UNDER EMBARGO\n") == "" {
			t.Error("it is not found below a navigation")
		}
		if got := read.EmbargoNotice(strings.Repeat("A line of text.\n", 1000) + "UNDER EMBARGO\n"); got != "" {
			t.Errorf("the end of a long text counts: %q", got)
		}
	})
}

func FuzzEmbargoNotice(f *testing.F) {
	f.Add("EMBARGOED UNTIL 10:00\nx")
	f.Add("(под эмбарго)\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := read.EmbargoNotice(text)
		if len(got) > 1000 || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("%q", got)
		}
		if got != "" && !strings.HasSuffix(got, "…") && read.EmbargoNotice(got) != got {
			t.Errorf("%q is no notice by itself", got)
		}
	})
}

// A notice above the title is no title, and does not make two releases of one.
func TestReader_noticeOnTop(t *testing.T) {
	t.Parallel()
	const text = "Court users get a guide in four languages\n\nVIENNA, 25 November 2026 - A guide for people who come to court was published today in four languages and is free.\n\nIt explains what happens in the courtroom and where to ask.\n"
	want, err := newReader().Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, notice := range []string{
		"EMBARGOED UNTIL 1 December 2026, 09:00 CET\n\n", "\n\nUnder embargo\n", "SPERRFRIST: 1. Dezember 2026, 9 Uhr\n", "Embargo: 1 December\nNot for publication before 9 a.m.\n\n",
	} {
		got, err := newReader().Read([]byte(notice + text))
		if err != nil || got.Release.Title != want.Release.Title || got.Release.Text != want.Release.Text {
			t.Errorf("%q: %q, %v", notice, got.Release.Title, err)
		}
	}
}
