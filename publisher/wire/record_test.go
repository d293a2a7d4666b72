package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats.go/jetstream"
)

func TestWire_Record(t *testing.T) {
	w := wiretest.New(t)
	if _, err := w.LastRecord(t.Context(), "anna", "r1"); !errors.Is(err, wire.ErrNotFound) {
		t.Error(err)
	}
	for _, data := range []string{"tried", "sent"} {
		if err := w.Record(t.Context(), "anna", "r1", []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.LastRecord(t.Context(), "anna", "r1"); err != nil || string(got) != "sent" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := w.LastRecord(t.Context(), "anna", "r2"); !errors.Is(err, wire.ErrNotFound) {
		t.Error(err)
	}
	for _, bad := range []string{"", "a.b", "*", ">", "a b"} {
		if w.Record(t.Context(), bad, "r", nil) == nil || w.Record(t.Context(), "r", bad, nil) == nil {
			t.Errorf("%q is taken for a word of a subject", bad)
		}
	}
}

func TestWire_RecordConcurrently(t *testing.T) {
	w := wiretest.New(t)
	const writers, each = 100, 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				if err := w.Record(t.Context(), fmt.Sprint("r", i), "x", fmt.Append(nil, i, " ", n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() { // one that fails must not spoil the batch of others
		if err := w.Record(t.Context(), "large", "x", make([]byte, 9<<20)); err == nil || !strings.Contains(err.Error(), "too much for one record") {
			t.Error(err)
		}
	})
	wg.Wait()
	for i := range writers {
		if got, err := w.LastRecord(t.Context(), fmt.Sprint("r", i), "x"); err != nil || string(got) != fmt.Sprint(i, " ", each-1) {
			t.Errorf("the last record of %d is %q, %v", i, got, err)
		}
	}
	if st, err := w.Stats(t.Context()); err != nil || st.Attempts != writers*each {
		t.Errorf("%d attempts are kept, want %d, %v", st.Attempts, writers*each, err)
	}
}

func TestWire_RecordWhileClosing(t *testing.T) {
	dir := t.TempDir()
	w := wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	var kept sync.Map
	var wg sync.WaitGroup
	begun := make(chan struct{})
	var once sync.Once
	for i := range 50 {
		wg.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprint("r", i, "-", n)
				if err := w.Record(t.Context(), name, "x", nil); err != nil {
					if news.CodeOf(err) != news.Unavailable {
						t.Error(err)
					}
					return
				}
				kept.Store(name, true)
				once.Do(func() { close(begun) })
			}
		})
	}
	<-begun
	shut(t, w)
	within(t, 10*time.Second, func() bool { wg.Wait(); return true })
	w = wiretest.Open(t, wire.Config{DataDir: dir, Queues: 1})
	kept.Range(func(name, _ any) bool {
		if _, err := w.LastRecord(t.Context(), name.(string), "x"); err != nil {
			t.Errorf("%s was said to be kept: %v", name, err)
		}
		return true
	})
}

func TestWire_Park(t *testing.T) {
	w, js := opened(t, t.TempDir())
	if err := w.Park(t.Context(), "mail", "anna", "no such\r\nX-Injected: yes\x00"+strings.Repeat("x", 5000), []byte("payload")); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "a.b", "*", "a b"} {
		if w.Park(t.Context(), bad, "x", "", nil) == nil || w.Park(t.Context(), "x", bad, "", nil) == nil {
			t.Errorf("%q is taken for a word of a subject", bad)
		}
	}
	s, err := js.Stream(t.Context(), "DEAD")
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(t.Context(), "dead.mail.anna")
	if err != nil || string(m.Data) != "payload" {
		t.Fatal(m, err)
	}
	if reason := m.Header.Get("Dateline-Reason"); !strings.HasPrefix(reason, "no such  X-Injected: yes x") || len(reason) > 600 || m.Header.Get("X-Injected") != "" {
		t.Errorf("headers %v", m.Header)
	}
	if st, err := w.Stats(t.Context()); err != nil || st.Dead != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestWire_Bucket(t *testing.T) {
	w := wiretest.New(t)
	for range 2 { // making it twice is one bucket
		kv, err := w.Bucket(t.Context(), "THINGS", "for a test", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Create(t.Context(), "one", []byte("1")); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
			t.Error(err)
		}
		if e, err := kv.Get(t.Context(), "one"); err != nil || string(e.Value()) != "1" || e.Revision() != 1 {
			t.Errorf("%v, %v", e, err)
		}
	}
	kv, err := w.Bucket(t.Context(), "SHORT", "for a test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := kv.Status(t.Context()); err != nil || st.TTL() != time.Hour || st.History() != 1 {
		t.Errorf("%v, %v", st, err)
	}
	if _, err := w.Bucket(t.Context(), "no good name", "", 0); err == nil {
		t.Error("the name is taken")
	}
}
