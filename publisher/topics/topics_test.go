package topics_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/topics"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
)

func open(t *testing.T, w *wire.Wire) *topics.Store {
	t.Helper()
	s, err := topics.Open(t.Context(), w, news.DefaultTaxonomy())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rename(slug, to string) topics.Change {
	return topics.Change{
		TopicChange: news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: slug, To: to, Day: "2026-11-24"},
		Time:        time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), By: "editor",
	}
}

func TestStore_Make(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	s := open(t, w)
	if err := s.Make(t.Context(), rename("policing", "police-work")); err != nil {
		t.Fatal(err)
	}
	t.Run("holds at once and after a restart", func(t *testing.T) {
		for _, s := range []*topics.Store{s, open(t, w)} {
			if got := s.Current().Current(news.KindField, "policing"); got != "police-work" {
				t.Errorf("policing is %s", got)
			}
			if c := s.Changes(); len(c) != 1 || c[0].By != "editor" {
				t.Errorf("the changes are %v", c)
			}
		}
	})
	t.Run("the same again is refused", func(t *testing.T) {
		if err := s.Make(t.Context(), rename("policing", "police-work")); news.CodeOf(err) != news.Conflict {
			t.Error(err)
		}
	})
	t.Run("trying changes nothing", func(t *testing.T) {
		if _, err := s.Try(rename("migration", "moving").TopicChange); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Current().Topic(news.KindField, "migration"); !ok {
			t.Error("the field is gone")
		}
	})
	t.Run("two at the same moment are never both based on one state", func(t *testing.T) {
		a, b := open(t, w), open(t, w)
		var errs [2]error
		var wg sync.WaitGroup
		for i, s := range []*topics.Store{a, b} {
			wg.Go(func() { errs[i] = s.Make(t.Context(), rename("migration", []string{"moving", "wandering"}[i])) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("both or neither took place: %v, %v", errs[0], errs[1])
		}
	})
}

func TestStore_Run(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	here, there := open(t, w), open(t, w)
	ctx, stop := context.WithCancel(t.Context())
	seen, done := make(chan *news.Taxonomy, 8), make(chan error, 1)
	go func() {
		done <- there.Run(ctx, there.Current(), func(n *news.Taxonomy) error { seen <- n; return nil })
	}()
	for _, to := range []string{"police-matters", "police-work"} {
		if err := here.Make(t.Context(), rename(here.Current().Current(news.KindField, "policing"), to)); err != nil {
			t.Fatal(err)
		}
		var now *news.Taxonomy
		for now == nil || now.Current(news.KindField, "policing") != to {
			select {
			case now = <-seen:
			case <-t.Context().Done():
				t.Fatal("the other process is not told")
			}
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOpen_changesThatDoNotGo(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	if err := open(t, w).Make(t.Context(), rename("policing", "police-work")); err != nil {
		t.Fatal(err)
	}
	// A taxonomy in which another topic has taken the name since.
	other, err := news.DefaultTaxonomy().With(news.TopicChange{Op: news.RenameTopic, Kind: news.KindField, Slug: "migration", To: "police-work"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topics.Open(t.Context(), w, other)
	if err == nil || !strings.Contains(err.Error(), "rename field policing") {
		t.Error(err)
	}
	if slices.Contains([]news.Code{news.Unavailable}, news.CodeOf(err)) {
		t.Error("it is said to pass")
	}
}
