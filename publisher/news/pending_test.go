package news_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"

	"pgregory.net/rapid"
)

func TestParseEmbargo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	utc := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tc := range []struct {
		name, value, zone, want string
		remark                  []string
	}{
		{"winter in Vienna", "2026-12-01T09:00", "Europe/Vienna", "2026-12-01 08:00:00", nil},
		{"summer in Vienna", "2026-07-01T09:00", "Europe/Vienna", "2026-07-01 07:00:00", nil},
		{"with a space, seconds and blanks around", " 2026-07-01 09:00:30 ", "Europe/Vienna", "2026-07-01 07:00:30", nil},
		{"UTC", "2026-07-01T09:00", "UTC", "2026-07-01 09:00:00", nil},
		{"an offset", "2026-07-01T09:00:00+05:45", "", "2026-07-01 03:15:00", nil},
		{"Z", "2026-07-01T09:00:00Z", "", "2026-07-01 09:00:00", nil},
		{"an offset beside a zone", "2026-07-01T09:00:00+05:00", "Europe/Vienna", "2026-07-01 04:00:00", nil},
		{"a zone of three quarters", "2026-07-01T09:00", "Asia/Kathmandu", "2026-07-01 03:15:00", nil},
		{"the last moment before the gap", "2026-03-29T01:59", "Europe/Vienna", "2026-03-29 00:59:00", nil},
		{"the first moment behind the gap", "2026-03-29T03:00", "Europe/Vienna", "2026-03-29 01:00:00", nil},
		{"in Vienna's gap", "2026-03-29T02:30", "Europe/Vienna", "2026-03-29 01:30:00", []string{"skip 02:30 on 29 March 2026", "03:30 CEST"}},
		{"at the start of Vienna's gap", "2026-03-29T02:00", "Europe/Vienna", "2026-03-29 01:00:00", []string{"skip 02:00", "03:00 CEST"}},
		{"in Vienna's overlap", "2026-10-25T02:30", "Europe/Vienna", "2026-10-25 01:30:00", []string{"show 02:30 on 25 October 2026 twice", "02:30 CET"}},
		{"behind Vienna's overlap", "2026-10-25T03:00", "Europe/Vienna", "2026-10-25 02:00:00", nil},
		{"in Santiago's gap at midnight", "2026-09-06T00:30", "America/Santiago", "2026-09-06 04:30:00", []string{"skip 00:30 on 6 September 2026"}},
		{"in Santiago's overlap", "2026-04-04T23:30", "America/Santiago", "2026-04-05 03:30:00", []string{"twice", "-04"}},
		{"in Lord Howe's gap of half an hour", "2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03 15:45:00", []string{"skip 02:15", "02:45"}},
		{"in Lord Howe's overlap of half an hour", "2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04 15:15:00", []string{"twice"}},
		{"before Lord Howe's overlap", "2026-04-05T01:29", "Australia/Lord_Howe", "2026-04-04 14:29:00", nil},
		{"east of the date line", "2026-07-01T09:00", "Pacific/Kiritimati", "2026-06-30 19:00:00", nil},
		{"west of the date line", "2026-07-01T09:00", "Pacific/Niue", "2026-07-01 20:00:00", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at, remark, err := news.ParseEmbargo(tc.value, tc.zone, now)
			if err != nil || !at.Equal(utc(tc.want)) {
				t.Fatalf("it is over at %s, %v; want %s", at.UTC(), err, tc.want)
			}
			if (remark == "") != (tc.remark == nil) {
				t.Errorf("the remark is %q", remark)
			}
			for _, w := range tc.remark {
				if !strings.Contains(remark, w) {
					t.Errorf("%q is not in %q", w, remark)
				}
			}
		})
	}
	for _, tc := range []struct{ name, value, zone, want string }{
		{"no zone", "2026-12-01T09:00", "", "2026-12-01T09:00:00+01:00"},
		{"an unknown zone", "2026-12-01T09:00", "Europe/Wien", "no time zone"},
		{"an unknown zone beside an offset", "2026-12-01T09:00:00+01:00", "Europe/Wien", "no time zone"},
		{"the zone of the server", "2026-12-01T09:00", "Local", "no time zone"},
		{"a path", "2026-12-01T09:00", "../../etc/localtime", "no time zone"},
		{"a zone with control characters", "2026-12-01T09:00", "Europe/\x1b[2JVienna", "no time zone"},
		{"the past", "2026-03-01T12:59", "Europe/Vienna", "over already"},
		{"this moment", "2026-03-01T12:00:00Z", "", "over already"},
		{"far ahead", "2028-03-04T12:00:00Z", "", "more than two years"},
		{"nothing", "", "Europe/Vienna", "no time like"},
		{"a word", "tomorrow", "Europe/Vienna", "no time like"},
		{"a day alone", "2026-12-01", "Europe/Vienna", "no time like"},
		{"a day that is none", "2026-02-30T09:00", "Europe/Vienna", "no time like"},
		{"an hour that is none", "2026-12-01T25:00", "Europe/Vienna", "no time like"},
		{"a year of five digits", "12026-12-01T09:00", "UTC", "no time like"},
		{"garbage", "\x00\xff" + strings.Repeat("9", 1000), "UTC", "no time like"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := news.ParseEmbargo(tc.value, tc.zone, now)
			if news.CodeOf(err) != news.Unacceptable || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("it answers %v", err)
			}
			if err != nil && (len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\x1b\x00\n")) {
				t.Errorf("the error repeats what it was given: %q", err)
			}
		})
	}
}

// Whatever the zone and however its clocks change, an embargo is never over
// before the last moment at which a clock there shows the time that was said.
func TestParseEmbargo_neverEarly(t *testing.T) {
	zones := []string{
		"Europe/Vienna", "Europe/London", "Europe/Chisinau", "America/Santiago", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
		"Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "Asia/Beirut", "Asia/Tehran", "America/Havana", "America/Asuncion", "Antarctica/Troll", "Pacific/Chatham", "Pacific/Apia", "UTC",
	}
	const layout = "2006-01-02T15:04"
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			rt.Fatal(err)
		}
		// Apia leaves out a whole day at the end of 2011.
		from := time.Date(rapid.SampledFrom([]int{2011, 2024, 2026}).Draw(rt, "year"), 1, 1, 0, 0, 0, 0, time.UTC)
		wall := from.Add(time.Duration(rapid.IntRange(2*1440, 364*1440).Draw(rt, "minute")) * time.Minute)
		if rapid.Bool().Draw(rt, "near a change of clocks") {
			wall = nearChange(loc, wall, time.Duration(rapid.IntRange(-180, 180).Draw(rt, "away"))*time.Minute)
		}
		if !wall.After(from.Add(24 * time.Hour)) {
			return
		}
		got, remark, err := news.ParseEmbargo(wall.Format(layout), zone, from.Add(-24*time.Hour))
		if err != nil {
			rt.Fatal(err)
		}
		said := wall.Format(layout)
		var shown []time.Time
		for at := wall.Add(-30 * time.Hour); at.Before(wall.Add(30 * time.Hour)); at = at.Add(time.Minute) {
			if at.In(loc).Format(layout) == said {
				shown = append(shown, at)
			}
		}
		switch {
		case len(shown) == 0:
			// The clocks skip it: then every clock there shows a later time.
			if got.In(loc).Format(layout) < said || remark == "" {
				rt.Fatalf("%s in %s is over at %s, %q", said, zone, got.In(loc), remark)
			}
		case !got.Equal(shown[len(shown)-1]) || (len(shown) > 1) != (remark != ""):
			rt.Fatalf("%s in %s is over at %s, %q; clocks show it at %s", said, zone, got, remark, shown)
		}
	})
}

// nearChange is a local time close to the next change of clocks behind at, given
// as if it were UTC.
func nearChange(loc *time.Location, at time.Time, away time.Duration) time.Time {
	_, before := at.In(loc).Zone()
	for t := at; t.Before(at.AddDate(1, 0, 0)); t = t.Add(30 * time.Minute) {
		if _, offset := t.In(loc).Zone(); offset != before {
			return t.Add(time.Duration(before)*time.Second + away).Truncate(time.Minute)
		}
	}
	return at
}

// waitingSamples are what is at the desk in the frozen fixtures.
func waitingSamples() map[string]news.Pending {
	draft := news.Pending{
		State: news.Draft, Version: 1, Kind: news.KindPublished, Changed: noon, By: "desk",
		Release: news.Release{ID: news.NewID("https://example.org/draft"), Title: "A draft"},
	}
	r := sample()
	r.Revision, r.Status, r.Note = 0, "", "The number was wrong."
	embargoed := news.Pending{
		State: news.Embargoed, Version: 3, Kind: news.KindCorrected, Base: 2, Until: noon.Add(time.Hour), Zone: "Europe/Vienna",
		Leaving: noon.Add(2 * time.Hour), Changed: noon.Add(time.Minute), By: "editor", Release: r,
	}
	stalled := draft
	stalled.Version, stalled.Kind, stalled.Base, stalled.Stalled = 2, news.KindRepublished, 4, "the release was withdrawn meanwhile"
	return map[string]news.Pending{"draft": draft, "embargoed": embargoed, "stalled": stalled}
}

// The fixtures are frozen, as those of events are.
func TestDecodePending_FrozenFixtures(t *testing.T) {
	for name, want := range waitingSamples() {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "pending", "v1-"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := news.DecodePending(b)
			if err != nil {
				t.Fatal(err)
			}
			if !news.SameContent(&got.Release, &want.Release) || got.ETag() != want.ETag() || got.Kind != want.Kind || got.State != want.State ||
				got.Base != want.Base || !got.Until.Equal(want.Until) || got.Zone != want.Zone || !got.Leaving.Equal(want.Leaving) || got.Stalled != want.Stalled ||
				got.By != want.By || !got.Changed.Equal(want.Changed) || got.Release.Note != want.Release.Note {
				t.Errorf("decoded\n%+v, want\n%+v", got, want)
			}
			again, err := news.EncodePending(got)
			if err != nil || string(again) != string(b) {
				t.Errorf("encoded again, %v:\n%s\nwant\n%s", err, again, b)
			}
		})
	}
}

func TestDecodePending_Compatibility(t *testing.T) {
	b, err := os.ReadFile("testdata/pending/v1-embargoed.json")
	if err != nil {
		t.Fatal(err)
	}
	v1 := string(b)
	for name, tc := range map[string]struct {
		in    string
		newer bool
		want  string // part of the error; "" for none
	}{
		"unknown fields are ignored":            {strings.Replace(v1, `{"v":1,`, `{"v":1,"later":{"a":[1]},`, 1), false, ""},
		"a newer format":                        {strings.Replace(v1, `"v":1`, `"v":2`, 1), true, "format 2"},
		"a newer format with other types":       {`{"v":2,"state":7,"release":"none","until":{}}`, true, "format 2"},
		"no format":                             {strings.Replace(v1, `"v":1,`, ``, 1), false, "no format"},
		"an unknown state":                      {strings.Replace(v1, `"embargoed"`, `"asleep"`, 1), false, "asleep"},
		"an embargo without a time":             {strings.Replace(v1, `"until":"2025-03-14T13:00:00Z",`, ``, 1), false, "does not go with the time"},
		"a kind that is none":                   {strings.Replace(v1, `"corrected"`, `"withdrawn"`, 1), false, "is none a version can become"},
		"version zero":                          {strings.Replace(v1, `"version":3`, `"version":0`, 1), false, "version 0"},
		"a base below zero":                     {strings.Replace(v1, `"base":2`, `"base":-1`, 1), false, "base -1"},
		"an id that is none":                    {strings.Replace(v1, `"id":"`, `"id":"x`, 1), false, "is wrong"},
		"cut off":                               {v1[:len(v1)/2], false, "decode a version"},
		"nothing":                               {"", false, "decode a version"},
		"null":                                  {"null", false, "no format"},
		"a number where there should be a text": {strings.Replace(v1, `"by":"editor"`, `"by":7`, 1), false, "decode a version"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := news.DecodePending([]byte(tc.in))
			if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) || errors.Is(err, news.ErrNewer) != tc.newer {
				t.Errorf("it answers %v", err)
			}
		})
	}
}

func TestEncodePending_refuses(t *testing.T) {
	for name, spoil := range map[string]func(*news.Pending){
		"a draft with a time":            func(p *news.Pending) { p.State = news.Draft },
		"an embargo without a time":      func(p *news.Pending) { p.Until = time.Time{} },
		"a public state":                 func(p *news.Pending) { p.State = news.Published },
		"version zero":                   func(p *news.Pending) { p.Version = 0 },
		"a kind that is none":            func(p *news.Pending) { p.Kind = news.KindWithdrawn },
		"an id that is none":             func(p *news.Pending) { p.Release.ID = "*" },
		"a time that JSON cannot write":  func(p *news.Pending) { p.Until = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a base below that of the first": func(p *news.Pending) { p.Base = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := waitingSamples()["embargoed"]
			spoil(&p)
			if b, err := news.EncodePending(p); err == nil {
				t.Errorf("it writes %s", b)
			}
		})
	}
}

func FuzzDecodePending(f *testing.F) {
	for _, p := range waitingSamples() {
		b, err := news.EncodePending(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := news.DecodePending(b)
		if err != nil {
			return
		}
		once, err := news.EncodePending(p)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		again, err := news.DecodePending(once)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := news.EncodePending(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v: %s\nthen %s", err, once, twice)
		}
	})
}

// publics and desks are the states of a release: what the public sees, and what
// waits at the desk.
func publics() map[string]*news.Release {
	id := news.NewID("x")
	return map[string]*news.Release{
		"new":       nil,
		"published": {ID: id, Revision: 3, Status: news.Published},
		"withdrawn": {ID: id, Revision: 3, Status: news.Withdrawn},
		"erased":    {ID: id, Revision: 3, Status: news.Withdrawn, Erased: true},
	}
}

func desks() map[string]*news.Pending {
	r := news.Release{ID: news.NewID("x")}
	return map[string]*news.Pending{
		"nothing":   nil,
		"draft":     {State: news.Draft, Release: r},
		"embargoed": {State: news.Embargoed, Until: noon, Release: r},
		"leaving":   {State: news.Embargoed, Until: noon, Leaving: noon, Release: r},
	}
}

func TestMayMove(t *testing.T) {
	moves := []news.Move{news.MoveSave, news.MoveEmbargo, news.MoveLift, news.MoveRelease, news.MoveDiscard}
	// Each line is what waits; each column one of the moves: + is allowed, 0 not
	// found, - a conflict.
	table := map[string]string{"nothing": "++000", "draft": "++-++", "embargoed": "+++++", "leaving": "---+-"}
	words := map[string][]string{"0": {"draft can be saved", "changed directly"}, "draft-": {"edited, embargoed, released or discarded"}, "leaving-": {"being published", "correct or withdraw"}}
	for at, w := range desks() {
		for who, public := range publics() {
			for i, m := range moves {
				t.Run(fmt.Sprintf("%s, %s waits, %s", who, at, m), func(t *testing.T) {
					err := news.MayMove(public, w, m)
					want, said := string(table[at][i]), words[at+"-"]
					if want == "0" {
						said = words["0"]
					}
					if who == "erased" && m != news.MoveDiscard {
						want, said = "-", []string{"was erased", "another origin"}
					}
					if code := map[string]news.Code{"+": "", "0": news.NotFound, "-": news.Conflict}[want]; news.CodeOf(err) != code || (err != nil) != (code != "") {
						t.Fatalf("it answers %v", err)
					}
					for _, s := range said {
						if want != "+" && !strings.Contains(err.Error(), s) {
							t.Errorf("%q is not in %q", s, err)
						}
					}
				})
			}
		}
	}
}

func TestMayChange(t *testing.T) {
	for at, w := range desks() {
		for _, kind := range []news.Kind{news.KindPublished, news.KindRevised, news.KindCorrected, news.KindWithdrawn, news.KindRepublished} {
			t.Run(at+" waits, "+string(kind), func(t *testing.T) {
				err := news.MayChange(w, kind)
				if w == nil || kind == news.KindWithdrawn {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if news.CodeOf(err) != news.Conflict || !strings.Contains(err.Error(), "discard it first") || !strings.Contains(err.Error(), string(kind)) {
					t.Errorf("it answers %v", err)
				}
			})
		}
	}
}

func TestFollowOn(t *testing.T) {
	for who, want := range map[string][2]news.Kind{ // a correction, and a minor one
		"new": {news.KindPublished, news.KindPublished}, "published": {news.KindCorrected, news.KindRevised},
		"withdrawn": {news.KindRepublished, news.KindRepublished}, "erased": {news.KindRepublished, news.KindRepublished},
	} {
		for i, minor := range []bool{false, true} {
			if got := news.FollowOn(publics()[who], minor); got != want[i] {
				t.Errorf("what follows one that is %s, minor %v, is %s, want %s", who, minor, got, want[i])
			}
		}
	}
}

// Every state and kind: which may follow, and what the refusal names.
func TestNext_everyMove(t *testing.T) {
	kinds := []news.Kind{news.KindPublished, news.KindRevised, news.KindCorrected, news.KindWithdrawn, news.KindRepublished, "erased"}
	table := map[string]string{"new": "+00000", "published": "-+++-+", "withdrawn": "----++", "erased": "------"}
	words := map[string]string{
		"new": "publish it first", "published": "revised, corrected, withdrawn or erased", "withdrawn": "only be republished or erased", "erased": "nothing can follow",
	}
	for who, public := range publics() {
		for i, kind := range kinds {
			t.Run(who+", "+string(kind), func(t *testing.T) {
				next := sample()
				next.Note, next.Reason = "The day was wrong.", "Sent by mistake."
				as := kind
				if kind == "erased" {
					as, next.Erased = news.KindWithdrawn, true
				}
				e, err := news.Next(public, next, as, noon, false)
				code := map[byte]news.Code{'+': "", '0': news.NotFound, '-': news.Conflict}[table[who][i]]
				if news.CodeOf(err) != code || (err != nil) != (code != "") {
					t.Fatalf("it answers %v", err)
				}
				if err != nil {
					if !strings.Contains(err.Error(), words[who]) || !strings.Contains(err.Error(), string(as)) {
						t.Errorf("%q does not say %q", err, words[who])
					}
					return
				}
				if e.Release.Erased != (kind == "erased") {
					t.Errorf("erased is %v", e.Release.Erased)
				}
			})
		}
	}
}

func TestNext_erasedAndReplaced(t *testing.T) {
	first, err := news.Next(nil, sample(), news.KindPublished, noon, false)
	if err != nil {
		t.Fatal(err)
	}
	step := func(t *testing.T, prev *news.Release, kind news.Kind, change func(*news.Release)) news.Release {
		t.Helper()
		next := *prev
		change(&next)
		e, err := news.Next(prev, next, kind, noon.Add(time.Hour), false)
		if err != nil {
			t.Fatal(err)
		}
		return e.Release
	}
	other := news.NewID("other")
	withdrawn := step(t, &first.Release, news.KindWithdrawn, func(r *news.Release) { r.Reason, r.ReplacedBy = "Sent by mistake.", other })
	t.Run("a withdrawal names what takes its place, and its title", func(t *testing.T) {
		if withdrawn.ReplacedBy != other || withdrawn.Title != first.Release.Title || withdrawn.Text+withdrawn.HTML+withdrawn.Summary != "" {
			t.Errorf("it is %+v", withdrawn)
		}
	})
	t.Run("the return names nothing any more", func(t *testing.T) {
		back := step(t, &withdrawn, news.KindRepublished, func(r *news.Release) { r.Text = "New." })
		if back.ReplacedBy != "" || back.Reason != "" || back.Status != news.Published {
			t.Errorf("it is %+v", back)
		}
	})
	t.Run("a version cannot name its own place or erasure", func(t *testing.T) {
		r := step(t, &first.Release, news.KindRevised, func(r *news.Release) { r.ReplacedBy, r.Erased, r.Reason, r.Title = other, true, "x", "Other" })
		if r.ReplacedBy != "" || r.Erased || r.Reason != "" {
			t.Errorf("it is %+v", r)
		}
	})
	for name, prev := range map[string]*news.Release{"one that is published": &first.Release, "one that was withdrawn": &withdrawn} {
		t.Run("the erasure of "+name+" leaves no word", func(t *testing.T) {
			erased := step(t, prev, news.KindWithdrawn, func(r *news.Release) { r.Erased, r.Reason = true, "A court's order." })
			e := news.Event{Kind: news.KindWithdrawn, Time: noon, Release: erased}
			b, err := news.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"Police", "Forty", "course", "Salzburg", "SALZBURG", "example.org", "press@", other, "secretariat\",\"evidence\":{\"rule\":\"label\",\"words\""} {
				if strings.Contains(string(b), word) {
					t.Errorf("%q is still in %s", word, b)
				}
			}
			if erased.Title != news.ErasedTitle || erased.Reason != "A court's order." || len(erased.Fields) != 2 {
				t.Errorf("it is %+v", erased)
			}
		})
	}
}
