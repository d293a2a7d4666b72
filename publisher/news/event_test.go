package news_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"

	"pgregory.net/rapid"
)

// The fixtures are frozen: what a released version wrote must be read for ever.
// A failure here means that the codec changed, and then the version must rise.
func TestDecode_FrozenFixtures(t *testing.T) {
	for kind, want := range life(t) {
		t.Run(string(kind), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "events", "v1-"+string(kind)+".json"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := news.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Release.PublishedAt.Equal(want.Release.PublishedAt) {
				t.Errorf("published at %v, want %v", got.Release.PublishedAt, want.Release.PublishedAt)
			}
			same := got
			same.Release.PublishedAt = want.Release.PublishedAt // equal instants, but not equal pointers to a zone
			if !reflect.DeepEqual(same, want) {
				t.Errorf("decoded\n%+v, want\n%+v", same, want)
			}
			again, err := news.Encode(got)
			if err != nil {
				t.Fatal(err)
			}
			if string(again) != string(b) {
				t.Errorf("encoded again:\n%s\nwant\n%s", again, b)
			}
		})
	}
}

func TestDecode_Compatibility(t *testing.T) {
	b, err := os.ReadFile("testdata/events/v1-published.json")
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
		"unknown fields of a release too":       {strings.Replace(v1, `"release":{`, `"release":{"mood":7,`, 1), false, ""},
		"a newer version":                       {strings.Replace(v1, `"v":1`, `"v":2`, 1), true, "newer dateline"},
		"a newer version with other types":      {`{"v":2,"kind":7,"release":"none","time":{}}`, true, "newer dateline"},
		"a newer version with times of its own": {`{"time":"tomorrow","v":3}`, true, "newer dateline"},
		"no version":                            {strings.Replace(v1, `"v":1,`, ``, 1), false, "no version"},
		"a version below one":                   {strings.Replace(v1, `"v":1`, `"v":-1`, 1), false, "no version"},
		"an unknown kind":                       {strings.Replace(v1, `"published"`, `"celebrated"`, 1), false, `kind "celebrated" is unknown`},
		"a status that does not fit":            {strings.Replace(v1, `"status":"published"`, `"status":"withdrawn"`, 1), false, "does not belong"},
		"an id that is none":                    {strings.Replace(v1, `"id":"`, `"id":"x`, 1), false, "is wrong"},
		"revision zero":                         {strings.Replace(v1, `"revision":1,`, `"revision":0,`, 1), false, "is wrong"},
		"something behind the end":              {v1 + "x", false, "decode event"},
		"cut off":                               {v1[:len(v1)/2], false, "decode event"},
		"nothing":                               {"", false, "decode event"},
		"null":                                  {"null", false, "no version"},
		"a date outside of what can be written": {strings.Replace(v1, `"time":"2025`, `"time":"-2025`, 1), false, "decode event"},
		"a number too large":                    {strings.Replace(v1, `"confidence":1`, `"confidence":1e999`, 1), false, "decode event"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := news.Decode([]byte(tc.in))
			if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if errors.Is(err, news.ErrNewer) != tc.newer {
				t.Errorf("ErrNewer is %v, want %v", !tc.newer, tc.newer)
			}
		})
	}
}

func TestEncode_RefusesWhatCannotBeKept(t *testing.T) {
	good := life(t)[news.KindPublished]
	for name, spoil := range map[string]func(*news.Event){
		"unknown kind": func(e *news.Event) { e.Kind = "" },
		"bad id":       func(e *news.Event) { e.Release.ID = "a.b" },
		"no revision":  func(e *news.Event) { e.Release.Revision = 0 },
		"status":       func(e *news.Event) { e.Release.Status = news.Withdrawn },
		"year 10000":   func(e *news.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			spoil(&e)
			if b, err := news.Encode(e); err == nil {
				t.Errorf("encoded %s", b)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no fixtures", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := news.Decode(b)
		if err != nil {
			return
		}
		once, err := news.Encode(e)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		back, err := news.Decode(once)
		if err != nil {
			t.Fatalf("encoded, but does not decode: %v", err)
		}
		twice, err := news.Encode(back)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("encodes differently the second time (%v):\n%s\n%s", err, once, twice)
		}
	})
}

func TestEvent_IDAndAlerts(t *testing.T) {
	for kind, e := range life(t) {
		if want := e.Release.ID + ":" + map[news.Kind]string{news.KindPublished: "1", news.KindRevised: "2", news.KindCorrected: "3", news.KindWithdrawn: "4", news.KindRepublished: "5"}[kind]; e.ID() != want {
			t.Errorf("%s: id %q, want %q", kind, e.ID(), want)
		}
		if got := e.Alerts(); got != (kind != news.KindRevised) {
			t.Errorf("%s alerts: %v", kind, got)
		}
		e.Backfill = true
		if e.Alerts() {
			t.Errorf("%s alerts although it is a back-fill", kind)
		}
	}
}

func TestNext_EveryMove(t *testing.T) {
	published := life(t)[news.KindRevised].Release
	withdrawn := life(t)[news.KindWithdrawn].Release
	for _, tc := range []struct {
		name string
		prev *news.Release
		kind news.Kind
		code news.Code // "" when allowed
		says string
	}{
		{"publish nothing", nil, news.KindPublished, "", ""},
		{"revise nothing", nil, news.KindRevised, news.NotFound, "publish it first"},
		{"correct nothing", nil, news.KindCorrected, news.NotFound, "publish it first"},
		{"withdraw nothing", nil, news.KindWithdrawn, news.NotFound, "publish it first"},
		{"republish nothing", nil, news.KindRepublished, news.NotFound, "publish it first"},
		{"publish a published one", &published, news.KindPublished, news.Conflict, "revised, corrected, withdrawn or erased"},
		{"revise a published one", &published, news.KindRevised, "", ""},
		{"correct a published one", &published, news.KindCorrected, "", ""},
		{"withdraw a published one", &published, news.KindWithdrawn, "", ""},
		{"republish a published one", &published, news.KindRepublished, news.Conflict, "revised, corrected, withdrawn or erased"},
		{"publish a withdrawn one", &withdrawn, news.KindPublished, news.Conflict, "republish"},
		{"revise a withdrawn one", &withdrawn, news.KindRevised, news.Conflict, "republish"},
		{"correct a withdrawn one", &withdrawn, news.KindCorrected, news.Conflict, "republish"},
		{"withdraw a withdrawn one", &withdrawn, news.KindWithdrawn, news.Conflict, "republish"},
		{"republish a withdrawn one", &withdrawn, news.KindRepublished, "", ""},
		{"an unknown move", &published, "burned", news.Conflict, "revised, corrected, withdrawn or erased"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			next := sample()
			next.Note, next.Reason = "a note", "a reason"
			e, err := news.Next(tc.prev, next, tc.kind, noon.Add(24*time.Hour), false)
			if news.CodeOf(err) != tc.code || (err != nil) != (tc.code != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("error %v, want code %q with %q", err, tc.code, tc.says)
			}
			if err == nil && e.Kind != tc.kind {
				t.Errorf("kind %q", e.Kind)
			}
		})
	}
}

func TestNext_OwesAWord(t *testing.T) {
	prev := sample()
	for _, kind := range []news.Kind{news.KindCorrected, news.KindWithdrawn} {
		next := sample()
		next.Note, next.Reason = " ", "\n"
		if _, err := news.Next(&prev, next, kind, noon, false); news.CodeOf(err) != news.Unacceptable {
			t.Errorf("%s without a word: %v", kind, err)
		}
	}
	if _, err := news.Next(&prev, sample(), news.KindRevised, noon, false); err != nil {
		t.Errorf("a revision needs no note: %v", err)
	}
}

func TestNext_Sets(t *testing.T) {
	prev := sample()
	prev.Revision, prev.SurfacedRevision = 6, 4
	prev.SurfacedAt = noon.Add(-time.Hour)
	other := func() news.Release {
		r := sample()
		r.ID, r.Origin, r.OtherOrigins, r.Revision = news.NewID("other"), "other", nil, 99
		r.Note, r.Reason = "a note", "a reason"
		return r
	}
	later := noon.Add(time.Hour + 123*time.Microsecond).In(time.FixedZone("", 7200))

	t.Run("identity, revision and times", func(t *testing.T) {
		e, err := news.Next(&prev, other(), news.KindCorrected, later, false)
		if err != nil {
			t.Fatal(err)
		}
		r := e.Release
		if r.ID != prev.ID || r.Origin != prev.Origin || len(r.OtherOrigins) != 1 || r.Revision != 7 || r.Reason != "" || r.Note != "a note" {
			t.Errorf("release %+v", r)
		}
		at := noon.Add(time.Hour)
		if e.Time != at || r.UpdatedAt != at || r.SurfacedAt != at || r.SurfacedRevision != 7 {
			t.Errorf("times %v %v %v (%d)", e.Time, r.UpdatedAt, r.SurfacedAt, r.SurfacedRevision)
		}
	})
	t.Run("a revision does not surface", func(t *testing.T) {
		e, err := news.Next(&prev, other(), news.KindRevised, later, false)
		if err != nil {
			t.Fatal(err)
		}
		if e.Release.SurfacedAt != prev.SurfacedAt || e.Release.SurfacedRevision != 4 || e.Release.UpdatedAt != noon.Add(time.Hour) {
			t.Errorf("surfaced %v (%d)", e.Release.SurfacedAt, e.Release.SurfacedRevision)
		}
	})
	t.Run("a back-fill surfaces at its own date", func(t *testing.T) {
		e, err := news.Next(nil, other(), news.KindPublished, later, true)
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2025, 3, 14, 9, 30, 0, 0, time.UTC); e.Release.SurfacedAt != want || !e.Backfill || e.Alerts() {
			t.Errorf("surfaced %v, backfill %v", e.Release.SurfacedAt, e.Backfill)
		}
		if e.Release.Note != "" || e.Release.Reason != "" {
			t.Error("a first publication carries a note or a reason")
		}
	})
	t.Run("the clock went back", func(t *testing.T) {
		e, err := news.Next(&prev, other(), news.KindCorrected, noon.Add(-time.Minute), false)
		if err != nil {
			t.Fatal(err)
		}
		if e.Time != noon || e.Release.UpdatedAt != noon || e.Release.SurfacedAt != noon {
			t.Errorf("time %v", e.Time)
		}
	})
	t.Run("other origins may grow", func(t *testing.T) {
		next := other()
		next.OtherOrigins = []string{"a", "b"}
		e, err := news.Next(&prev, next, news.KindRevised, later, false)
		if err != nil || len(e.Release.OtherOrigins) != 2 {
			t.Errorf("%v, %v", e.Release.OtherOrigins, err)
		}
	})
}

// secretParts are words of the sample's body and of what was found in it.
var secretParts = []string{"Forty", "fair policing", "The course", "press@", "SALZBURG", "Serbian", "courts", "a note"}

func TestNext_WithdrawalHoldsNoText(t *testing.T) {
	prev := sample()
	next := sample()
	next.Note, next.Reason = "a note", "It was published by mistake."
	e, err := news.Next(&prev, next, news.KindWithdrawn, noon, false)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := news.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := news.CloudEvent(news.DefaultTaxonomy(), "https://news.example.org", e)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range secretParts {
		if strings.Contains(string(kept), part) || strings.Contains(string(seen), part) {
			t.Errorf("%q is still there:\n%s\n%s", part, kept, seen)
		}
	}
	for _, part := range []string{prev.Title[:10], "by mistake", "austria", "policing", "secretariat"} {
		if !strings.Contains(string(kept), part) {
			t.Errorf("%q is missing:\n%s", part, kept)
		}
	}
	if !reflect.DeepEqual(prev, sample()) || next.Fields[0].Evidence.Words != "Policing" {
		t.Error("Next changed what it was given")
	}
}

// A random life, compared with a model that knows only status and revision.
func TestNext_RandomLife(t *testing.T) {
	kinds := []news.Kind{news.KindPublished, news.KindRevised, news.KindCorrected, news.KindWithdrawn, news.KindRepublished}
	rapid.Check(t, func(t *rapid.T) {
		var prev *news.Release
		now := noon
		status, surfaced := "none", time.Time{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			now = now.Add(time.Duration(rapid.IntRange(-2_000_000, 5_000_000).Draw(t, "microseconds")) * time.Microsecond)
			next := sample()
			next.Title = rapid.StringMatching(`[a-z]{1,9}`).Draw(t, "title")
			next.Note, next.Reason = "a note", "a reason"
			backfill := rapid.Bool().Draw(t, "backfill")
			e, err := news.Next(prev, next, kind, now, backfill)

			legal := map[string][]news.Kind{
				"none": kinds[:1], "published": kinds[1:4], "withdrawn": kinds[4:],
			}[status]
			want := false
			for _, k := range legal {
				want = want || k == kind
			}
			if want != (err == nil) {
				t.Fatalf("%s from %s: %v", kind, status, err)
			}
			if err != nil {
				continue
			}
			r := e.Release
			if prev == nil && r.Revision != 1 || prev != nil && (r.Revision != prev.Revision+1 || r.ID != prev.ID || r.Origin != prev.Origin || r.UpdatedAt.Before(prev.UpdatedAt)) {
				t.Fatalf("%+v after %+v", r, prev)
			}
			switch {
			case kind == news.KindRevised:
				// stays
			case prev == nil && backfill:
				surfaced = next.PublishedAt.UTC()
			default:
				surfaced = r.UpdatedAt
			}
			if !r.SurfacedAt.Equal(surfaced) || r.UpdatedAt != e.Time || e.Time.Location() != time.UTC {
				t.Fatalf("%s: surfaced %v, want %v", kind, r.SurfacedAt, surfaced)
			}
			if (r.SurfacedRevision == r.Revision) == (kind == news.KindRevised) {
				t.Fatalf("%s: surfaced revision %d of %d", kind, r.SurfacedRevision, r.Revision)
			}
			b, err := news.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := news.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if !news.SameContent(&back.Release, &r) || back.ID() != e.ID() {
				t.Fatal("the codec changed the event")
			}
			if kind == news.KindWithdrawn {
				for _, part := range secretParts {
					if strings.Contains(string(b), part) {
						t.Fatalf("%q is left of a withdrawn release", part)
					}
				}
			}
			status = map[bool]string{true: "withdrawn", false: "published"}[kind == news.KindWithdrawn]
			prev = &r
		}
	})
}

func TestSameContent(t *testing.T) {
	a := sample()
	for name, tc := range map[string]struct {
		change func(*news.Release)
		same   bool
	}{
		"nothing":         {func(*news.Release) {}, true},
		"revision":        {func(r *news.Release) { r.Revision = 9 }, true},
		"id and origin":   {func(r *news.Release) { r.ID, r.Origin, r.OtherOrigins = "x", "y", nil }, true},
		"note and reason": {func(r *news.Release) { r.Note, r.Reason = "x", "y" }, true},
		"event times":     {func(r *news.Release) { r.UpdatedAt, r.SurfacedAt, r.SurfacedRevision = noon, noon, 7 }, true},
		"zone":            {func(r *news.Release) { r.PublishedAt = r.PublishedAt.UTC() }, true},
		"evidence": {func(r *news.Release) {
			r.Fields[0].Evidence, r.Countries[0].Evidence, r.Sources[0].Evidence = news.Evidence{}, news.Evidence{}, news.Evidence{}
		}, true},
		"title":     {func(r *news.Release) { r.Title += "!" }, false},
		"text":      {func(r *news.Release) { r.Text += "!" }, false},
		"date":      {func(r *news.Release) { r.PublishedAt = r.PublishedAt.Add(time.Second) }, false},
		"day only":  {func(r *news.Release) { r.DayOnly = true }, false},
		"field":     {func(r *news.Release) { r.Fields = r.Fields[:1] }, false},
		"role":      {func(r *news.Release) { r.Countries[0].Role = news.About }, false},
		"source":    {func(r *news.Release) { r.Sources = nil }, false},
		"link":      {func(r *news.Release) { r.Links = nil }, false},
		"url":       {func(r *news.Release) { r.URL = "" }, false},
		"language":  {func(r *news.Release) { r.Language = "de" }, false},
		"contacts":  {func(r *news.Release) { r.Contacts = nil }, false},
		"long year": {func(r *news.Release) { r.PublishedAt = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := sample()
			tc.change(&b)
			if got := news.SameContent(&a, &b); got != tc.same {
				t.Errorf("same is %v", got)
			}
		})
	}
}
