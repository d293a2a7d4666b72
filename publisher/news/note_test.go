package news_test

import (
	"testing"
	"time"

	"dateline/publisher/news"
)

// Readers are owed the note of a correction until there is a newer one: a minor
// revision behind it must not take it away.
func TestNext_note(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	step := func(prev *news.Release, kind news.Kind, note, reason string) *news.Release {
		t.Helper()
		at = at.Add(time.Hour)
		next := news.Release{ID: news.NewID("x"), Title: "T", Text: "x", PublishedAt: at, Note: note, Reason: reason}
		e, err := news.Next(prev, next, kind, at, false)
		if err != nil {
			t.Fatal(err)
		}
		return &e.Release
	}
	want := func(r *news.Release, note string, noted time.Time) {
		t.Helper()
		if r.Note != note || !r.NotedAt.Equal(noted) {
			t.Errorf("revision %d has the note %q of %s, want %q of %s", r.Revision, r.Note, r.NotedAt, note, noted)
		}
	}
	r := step(nil, news.KindPublished, "not yet", "")
	want(r, "", time.Time{})
	r = step(r, news.KindCorrected, "It was wrong.", "")
	corrected := at
	want(r, "It was wrong.", corrected)
	r = step(r, news.KindRevised, "", "")
	want(r, "It was wrong.", corrected)
	r = step(r, news.KindRevised, "A comma.", "")
	want(r, "A comma.", at)
	r = step(r, news.KindWithdrawn, "", "A mistake.")
	want(r, "", time.Time{})
	r = step(r, news.KindRepublished, "", "")
	want(r, "", time.Time{})
}
