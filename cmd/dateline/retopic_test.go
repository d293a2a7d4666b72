package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Nothing is lost while topics are renamed again and again: every release that is
// published meanwhile reaches who follows the topic, and its feed.
func TestServer_topicsChangeUnderLoad(t *testing.T) {
	sinks, err := startSinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sinks.close(context.WithoutCancel(t.Context())) })
	s := startServer(t, t.TempDir(), "--smtp-url", sinks.mailURL, "--mail-from", "dateline@localhost", "--allow-network", "127.0.0.0/8")
	s.cli(t, "subscribe", "email", "reader@example.org", "--field", "policing")

	const writers = 3
	var mu sync.Mutex
	published := map[string]bool{}
	renamed := make(chan struct{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-renamed:
					return
				default:
				}
				text := strings.NewReplacer("nine countries", fmt.Sprintf("group %d of %d countries", w, n)).Replace(policingPage)
				e := s.publishText(t, text)
				mu.Lock()
				published[e.ID] = true
				mu.Unlock()
			}
		})
	}
	slug := "policing"
	for n := range 4 {
		next := fmt.Sprintf("policing-%d", n)
		s.cli(t, "taxonomy", "rename", "field/"+slug, "--to", next, "--yes", "--quiet")
		slug = next
	}
	close(renamed)
	wg.Wait()
	sinks.await(t.Context(), t, func(got []receipt) bool {
		arrived := map[string]bool{}
		for _, id := range receiptsOf(got, "reader@example.org") {
			arrived[id] = true
		}
		for id := range published {
			if !arrived[id] {
				return false
			}
		}
		return true
	})
	if len(published) < 10 {
		t.Errorf("only %d releases were published meanwhile, so little is tested", len(published))
	}
}
