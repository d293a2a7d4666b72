package subscribers_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"
	"dateline/subscribers"

	"github.com/nats-io/nats.go/jetstream"
)

// hang makes the receiver take the next call and never answer it. The channel
// says that the call came.
func (r *receiver) hang() <-chan struct{} {
	came := make(chan struct{})
	var once atomic.Bool
	r.hold = func(req *http.Request) {
		if once.CompareAndSwap(false, true) {
			close(came)
			<-req.Context().Done()
		}
	}
	return came
}

func TestSubscribers_Run_killedWhileSending(t *testing.T) {
	quick := func(c *subscribers.Config) { c.Grace = 20 * time.Millisecond }

	t.Run("the message comes again with the same id", func(t *testing.T) {
		hook := newReceiver(t)
		came := hook.hang()
		w := newWorld(t, quick)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		e := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
		<-came
		w.restart()
		hook.next(t)
		w.quiet()
		wantIDs(t, hook.ids(), e.ID(), e.ID())
	})
	t.Run("who may have got it is told of the withdrawal", func(t *testing.T) {
		hook := newReceiver(t)
		came := hook.hang()
		w := newWorld(t, quick)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		first := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
		<-came
		w.stop()
		w.start()
		// The task of the original may be quicker than the withdrawal.
		second := w.withdraw("a")
		w.quiet()
		ids := hook.ids()
		if ids[0] != first.ID() || ids[len(ids)-1] != second.ID() {
			t.Errorf("got %v", ids)
		}
	})
}

// TestSubscribers_Run_sameTaskTwice: the process died after the record and
// before the task left its queue.
func TestSubscribers_Run_sameTaskTwice(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
	e := w.publish("a", tagged("A", []string{"policing"}), news.KindPublished)
	hook.next(t)
	w.quiet()
	again, err := json.Marshal(map[string]any{"to": w.recipients(), "release": e.Release.ID, "seq": 1})
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := w.wire.Cursor(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range [][]byte{again, []byte("nonsense")} {
		if cursor, err = w.wire.Enqueue(t.Context(), 0, cursor, wire.Cursor{Seq: 1, Done: true}, []wire.Task{{Channel: "webhook", Priority: "normal", Payload: payload}}); err != nil {
			t.Fatal(err)
		}
	}
	w.quiet()
	wantIDs(t, hook.ids(), e.ID())
	if st := w.subs.Stats(); st.Skipped[subscribers.Webhook] != 1 || st.GivenUp[subscribers.Webhook] != 1 {
		t.Errorf("stats %+v", st)
	}
	// The cursor was moved behind the fan-out's back; it notices and goes on.
	next := w.publish("b", tagged("B", []string{"policing"}), news.KindPublished)
	if c := hook.next(t); c.ID != next.ID() {
		t.Errorf("got %s", c.ID)
	}
}

// recipients are the ids in the bucket.
func (w *world) recipients() []string {
	w.t.Helper()
	kv, err := w.wire.Bucket(w.t.Context(), "SUBSCRIPTIONS", "recipients with what they follow", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	keys, err := kv.Keys(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

// TestSubscribers_Run_recordsGone: a withdrawal after the records of attempts
// have expired.
func TestSubscribers_Run_recordsGone(t *testing.T) {
	w, hook := newWorld(t, func(c *subscribers.Config) { c.MaxAge = 1000 * time.Hour }), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL+"/told", fields("policing"))
	w.publishAt("a", tagged("A", []string{"policing"}), news.KindPublished, time.Now().Add(-40*24*time.Hour), false)
	w.publishAt("b", tagged("B", []string{"policing"}), news.KindPublished, time.Now().Add(-20*24*time.Hour), false)
	hook.next(t)
	hook.next(t)
	w.quiet()
	w.subscribe(subscribers.Webhook, hook.URL+"/new", fields("policing"))
	w.forgetAttempts()

	second := w.withdraw("a")
	w.withdraw("b") // young enough that a record would exist if it had been sent
	w.quiet()
	ids := hook.ids()[2:]
	wantIDs(t, ids, second.ID())
}

// forgetAttempts empties the stream of attempts, as time would.
func (w *world) forgetAttempts() {
	w.t.Helper()
	w.stop()
	wiretest.Tamper(w.t, w.dir, func(js jetstream.JetStream) {
		st, err := js.Stream(w.t.Context(), "ATTEMPTS")
		if err != nil {
			w.t.Fatal(err)
		}
		if err := st.Purge(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	})
	w.start()
}

// TestSubscribers_Run_restartsInTheMiddle: every endpoint is called once,
// however often the process stops between fan-out and delivery.
func TestSubscribers_Run_restartsInTheMiddle(t *testing.T) {
	const n = 400
	w, hook := newWorld(t, nil), newReceiver(t)
	for i := range n {
		w.subscribe(subscribers.Webhook, hook.URL+"/"+strconv.Itoa(i), fields("policing"))
	}
	for round := range 3 {
		w.publish(strconv.Itoa(round), tagged("A", []string{"policing"}), news.KindPublished)
		for range n / 4 {
			hook.next(t)
		}
		w.restart()
	}
	w.quiet()
	seen := map[string]int{}
	hook.mu.Lock()
	defer hook.mu.Unlock()
	for _, c := range hook.calls {
		seen[c.Path+" "+c.ID]++
	}
	if len(seen) != 3*n || len(hook.calls) != 3*n {
		t.Errorf("%d messages in %d calls, want %d", len(seen), len(hook.calls), 3*n)
	}
}

// TestSubscribers_Run_slowEndpoint: one endpoint that does not answer holds up
// nobody else, whatever is queued for it.
func TestSubscribers_Run_slowEndpoint(t *testing.T) {
	const n = 280 // more pages than are in flight for one queue
	fast, slow := newReceiver(t), newReceiver(t)
	slow.hold = func(r *http.Request) { <-r.Context().Done() }
	w := newWorldOf(t, 1, func(c *subscribers.Config) { c.Grace = 20 * time.Millisecond })
	w.subscribe(subscribers.Webhook, slow.URL, fields("policing"))
	w.subscribe(subscribers.Webhook, fast.URL, fields("policing"))
	for i := range n {
		w.publish(strconv.Itoa(i), tagged("A", []string{"policing"}), news.KindPublished)
	}
	for range n {
		fast.next(t)
	}
}

// TestSubscribers_Run_anyOrder drives releases through random lives while
// endpoints fail at random and the process restarts, and compares what the
// endpoints accepted with what the promises say.
func TestSubscribers_Run_anyOrder(t *testing.T) {
	for _, hold := range []time.Duration{0, 50 * time.Millisecond} {
		t.Run(fmt.Sprint("alerts held for ", hold), func(t *testing.T) { anyOrder(t, hold) })
	}
}

func anyOrder(t *testing.T, hold time.Duration) {
	topics := []string{"policing", "elections", "gender-equality"}
	const names = 5
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	w, hook := newWorld(t, func(c *subscribers.Config) {
		c.Backoff = slices.Repeat([]time.Duration{10 * time.Millisecond}, 50)
		c.Grace = 50 * time.Millisecond
		c.Hold = hold
	}), newReceiver(t)
	var rolls atomic.Uint64
	got := &ledger{}
	hook.behave(func(c call, _ int) (int, http.Header) {
		got.saw(c)
		if rolls.Add(1)%3 == 0 {
			return http.StatusInternalServerError, nil
		}
		got.add(c)
		return http.StatusOK, nil
	})
	for _, topic := range topics {
		w.subscribe(subscribers.Webhook, hook.URL+"/"+topic, fields(topic))
	}
	times := map[string]time.Time{} // of what may be held
	for range 60 {
		name := fmt.Sprint("r", rnd.IntN(names))
		r := tagged("Title "+name, []string{topics[rnd.IntN(len(topics))]})
		old, known := w.releases[name]
		switch {
		case !known:
			w.publish(name, r, news.KindPublished)
		case old.Event.Release.Status == news.Withdrawn:
			w.publish(name, r, news.KindRepublished)
		default:
			switch rnd.IntN(3) {
			case 0:
				w.publish(name, r, news.KindRevised)
			case 1:
				r.Note = "It was filed wrongly."
				w.publish(name, r, news.KindCorrected)
			case 2:
				w.withdraw(name)
			}
		}
		if e := w.releases[name].Event; e.Kind != news.KindWithdrawn {
			times[e.ID()] = e.Time
		}
		if rnd.IntN(20) == 0 {
			w.restart()
		}
	}
	w.quiet()
	for id, at := range got.first {
		if held, ok := times[id]; ok && at.Before(held.Add(hold)) {
			t.Errorf("%s came %s after the event", id, at.Sub(held))
		}
	}
	for _, rec := range w.releases {
		r := &rec.Event.Release
		for _, topic := range topics {
			revisions := got.of("/"+topic, r.ID)
			if !slices.IsSorted(revisions) {
				t.Errorf("%s got %v of %s", topic, revisions, r.ID)
			}
			told := len(revisions) > 0
			matches := r.Status == news.Published && slices.Contains(r.FieldSlugs(), topic) && r.Revision == r.SurfacedRevision
			if last := slices.Max(append(revisions, 0)); (told || matches) && last < r.SurfacedRevision {
				t.Errorf("%s got %v of %s, which is at %d (%s)", topic, revisions, r.ID, r.SurfacedRevision, r.Status)
			}
		}
	}
}
