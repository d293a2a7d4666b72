package wire_test

import (
	"fmt"
	"slices"
	"testing"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
)

func TestWire_Records(t *testing.T) {
	w := wiretest.New(t)
	keep := func(recipient, release, data string) {
		t.Helper()
		if err := w.Record(t.Context(), recipient, release, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if got, more, err := w.Records(t.Context(), "r1"); err != nil || more || len(got) > 0 {
		t.Errorf("%v, %v, %v before anything is kept", got, more, err)
	}
	if got, err := w.LastRecords(t.Context(), "r1"); err != nil || len(got) > 0 {
		t.Errorf("%v, %v before anything is kept", got, err)
	}
	keep("anna", "r1", "1")
	keep("bert", "r1", "2")
	keep("anna", "r2", "other")
	keep("anna", "r1", "3")
	got, more, err := w.Records(t.Context(), "r1")
	if err != nil || more {
		t.Fatal(more, err)
	}
	var all []string
	for _, k := range got {
		all = append(all, k.Recipient+" "+string(k.Data))
	}
	if !slices.Equal(all, []string{"anna 1", "bert 2", "anna 3"}) {
		t.Errorf("got %v", all)
	}
	last, err := w.LastRecords(t.Context(), "r1")
	if err != nil || len(last) != 2 || string(last["anna"]) != "3" || string(last["bert"]) != "2" {
		t.Errorf("got %v, %v", last, err)
	}
	for _, bad := range []string{"", "*", ">", "a.b"} {
		if _, _, err := w.Records(t.Context(), bad); err == nil {
			t.Errorf("%q is taken for a release", bad)
		}
	}
}

func TestWire_RecordsBounds(t *testing.T) {
	t.Parallel()
	w := wiretest.New(t)
	const more = 3
	errs := make(chan error, wire.MaxRecords+more)
	for i := range wire.MaxRecords + more {
		go func() { errs <- w.Record(t.Context(), fmt.Sprint("r", i), "x", []byte("tried")) }()
	}
	for range wire.MaxRecords + more {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	got, further, err := w.Records(t.Context(), "x")
	if err != nil || !further || len(got) != wire.MaxRecords {
		t.Errorf("%d records, more: %v, %v", len(got), further, err)
	}
	last, err := w.LastRecords(t.Context(), "x")
	if err != nil || len(last) != wire.MaxRecords+more {
		t.Errorf("%d recipients, %v", len(last), err)
	}
}

func TestWire_HeldWith(t *testing.T) {
	w := wiretest.New(t)
	for _, h := range [][2]string{{"anna", "r1-4"}, {"bert", "r1-4"}, {"anna", "r2-5"}} {
		if err := w.Hold(t.Context(), h[0], h[1], []byte(h[0]+h[1])); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.HeldWith(t.Context(), "r1-")
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for _, h := range got {
		if h.Key != "r1-4" || string(h.Payload) != h.Recipient+h.Key {
			t.Errorf("got %+v", h)
		}
	}
	if got, err := w.HeldWith(t.Context(), "r3-"); err != nil || len(got) > 0 {
		t.Error(got, err)
	}
}

func TestWire_Put(t *testing.T) {
	w := wiretest.New(t)
	at := enqueue(t, w, 0, wire.Cursor{}, wire.Cursor{Seq: 1, Done: true}, tasks("normal", "a"))
	for _, ts := range [][]wire.Task{nil, tasks("normal", "b"), tasks("normal", "c", "d", "e")} {
		if err := w.Put(t.Context(), 0, ts); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := w.Cursor(t.Context(), 0); err != nil || c != at {
		t.Errorf("the cursor stands at %+v, want %+v, %v", c, at, err)
	}
	enqueue(t, w, 0, at, wire.Cursor{Seq: 2, Done: true}, tasks("normal", "f"))
	if got, _ := drained(t, w, 0, "normal", 6, true); !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f"}) {
		t.Error(got)
	}
	if err := w.Put(t.Context(), 0, []wire.Task{{Channel: "a.b", Priority: "x"}}); err == nil {
		t.Error("a wrong channel is taken")
	}
	if err := w.Put(t.Context(), 0, make([]wire.Task, wire.MaxTasks+1)); err == nil {
		t.Error("too many tasks are taken")
	}
}
