package subscribers_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"
)

// audience asks for the numbers.
func (w *world) audience(prev *news.Release, next news.Event) (mails, webhooks int) {
	w.t.Helper()
	got, err := w.subs.Audience(w.t.Context(), prev, next)
	if err != nil {
		w.t.Fatal(err)
	}
	return got[subscribers.Mail], got[subscribers.Webhook]
}

// mails is the number of messages in the outbox.
func (w *world) mails() int {
	w.t.Helper()
	files, err := os.ReadDir(w.cfg.Outbox)
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".eml") {
			n++
		}
	}
	return n
}

func TestSubscribers_Audience(t *testing.T) {
	w, hook := newWorld(t, nil), newReceiver(t)
	w.subscribe(subscribers.Webhook, hook.URL+"/police", fields("policing"))
	w.subscribe(subscribers.Webhook, hook.URL+"/vote", fields("elections"))
	w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
	w.subscribe(subscribers.Mail, "reader@example.net", countries("austria"))
	check := func(what string, prev *news.Release, next news.Event, mails, webhooks int) {
		t.Helper()
		if m, h := w.audience(prev, next); m != mails || h != webhooks {
			t.Errorf("%s: %d mails and %d webhooks, want %d and %d", what, m, h, mails, webhooks)
		}
	}
	police := tagged("A", []string{"policing"}, "austria")
	prev, e := w.next("a", police, news.KindPublished, w.cfg.Now(), false)
	check("a first publication", prev, e, 1, 1)
	w.append("a", e)
	hook.next(t)
	w.quiet()
	before, err := w.wire.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	vote := tagged("A", []string{"elections"})
	vote.Note, vote.Reason = "It was about an election.", "It was sent too early."
	now := w.cfg.Now()
	prev, e = w.next("a", vote, news.KindCorrected, now, false)
	check("a correction that moves it", prev, e, 1, 2)
	prev, e = w.next("a", vote, news.KindRevised, now, false)
	check("a minor revision", prev, e, 0, 0)
	prev, e = w.next("a", vote, news.KindWithdrawn, now, false)
	check("a withdrawal", prev, e, 1, 1)
	prev, e = w.next("a", vote, news.KindCorrected, now, true)
	check("back-fill", prev, e, 0, 0)
	prev, e = w.next("b", police, news.KindPublished, now.Add(-49*time.Hour), false)
	check("what is too old to alert anyone", prev, e, 0, 0)

	after, err := w.wire.Stats(t.Context())
	before.StoreBytes, after.StoreBytes = 0, 0 // readers take some, for a while
	if err != nil || after != before {
		t.Errorf("asking has changed the streams from %+v to %+v, %v", before, after, err)
	}
	w.quiet()
	if n := len(hook.ids()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestSubscribers_Audience_comesTrue drives releases and subscriptions through
// random lives, and compares the numbers told before each change with the
// messages that arrive after it.
func TestSubscribers_Audience_comesTrue(t *testing.T) {
	for _, hold := range []time.Duration{0, window} {
		t.Run(fmt.Sprint("alerts held for ", hold), func(t *testing.T) { comesTrue(t, hold) })
	}
}

func comesTrue(t *testing.T, hold time.Duration) {
	topics := []string{"policing", "elections", "gender-equality"}
	places := []string{"austria", "albania"}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	one := func(of []string) string { return of[rnd.IntN(len(of))] }

	c, hook := newClock(), newReceiver(t)
	w := newWorld(t, func(cfg *subscribers.Config) { cfg.Now, cfg.Wait, cfg.Hold = c.Now, c.wait, hold })
	var leaving, refusing atomic.Bool
	hook.behave(func(call, int) (int, http.Header) {
		switch {
		case leaving.Load():
			return http.StatusGone, nil
		case refusing.Load():
			return http.StatusBadRequest, http.Header{"Webhook-Delivery": {"abort-message"}}
		}
		return http.StatusOK, nil
	})
	selection := func() news.Selection {
		switch rnd.IntN(4) {
		case 0:
			return news.Selection{}
		case 1:
			return countries(one(places))
		case 2:
			return news.Selection{Fields: []string{one(topics)}, Countries: []string{one(places)}, Role: news.About}
		}
		return fields(one(topics))
	}
	subscribe := func() {
		wish := subscribers.Wish{Channel: subscribers.Webhook, Address: fmt.Sprint(hook.URL, "/", rnd.IntN(5)), Selection: selection()}
		if rnd.IntN(2) == 0 {
			wish.Channel, wish.Address = subscribers.Mail, fmt.Sprint("reader", rnd.IntN(5), "@example.net")
		}
		if rec := w.call("POST", "/api/v1/subscriptions", wish); rec.Code >= 300 {
			t.Fatal(rec.Code, rec.Body)
		}
	}
	names := []int{0, 1, 2, 3}
	change := func() {
		i := rnd.IntN(len(names))
		name := fmt.Sprint("r", names[i])
		r := tagged("Title "+name, []string{one(topics)}, one(places))
		old, known := w.releases[name]
		kind := news.KindPublished
		switch {
		case known && old.Event.Release.Erased:
			names[i] += len(names) // nothing can follow
			return
		case known && old.Event.Release.Status == news.Withdrawn:
			kind = news.KindRepublished
			if rnd.IntN(4) == 0 {
				kind, r.Reason, r.Erased = news.KindWithdrawn, "A court said so.", true
			}
		case known:
			kind = []news.Kind{news.KindRevised, news.KindCorrected, news.KindWithdrawn}[rnd.IntN(3)]
			r.Note, r.Reason, r.Erased = "It was filed wrongly.", "It was sent too early.", kind == news.KindWithdrawn && rnd.IntN(4) == 0
		}
		age := []time.Duration{0, 0, 0, 0, 0, 0, 50 * time.Hour}[rnd.IntN(7)]
		prev, e := w.next(name, r, kind, c.Now().Add(-age), rnd.IntN(8) == 0)
		leaving.Store(rnd.IntN(12) == 0)
		refusing.Store(rnd.IntN(6) == 0)
		mails, webhooks := w.audience(prev, e)
		mailed, called := w.mails(), len(hook.ids())
		w.append(name, e)
		if e.Release.Erased {
			if err := w.wire.Erase(t.Context(), e.Release.ID); err != nil {
				t.Fatal(err)
			}
		}
		c.forward(hold)
		w.quiet()
		if m, h := w.mails()-mailed, len(hook.ids())-called; m != mails || h != webhooks {
			t.Errorf("%s (%s, back-fill %v): %d mails and %d webhooks were told beforehand, %d and %d came", e.ID(), kind, e.Backfill, mails, webhooks, m, h)
		}
	}
	for range 6 {
		subscribe()
	}
	for range 70 {
		c.forward(time.Minute)
		switch rnd.IntN(12) {
		case 0, 1:
			subscribe()
		case 2:
			if all := w.subs.Subscriptions(); len(all) > 0 {
				w.call("DELETE", "/api/v1/subscriptions/"+all[rnd.IntN(len(all))].ID, nil)
			}
		case 3:
			if rnd.IntN(4) == 0 { // the records are gone by then
				c.forward(31 * 24 * time.Hour)
				w.forgetAttempts()
			}
		default:
			change()
		}
	}
	if len(hook.ids()) == 0 || w.mails() == 0 {
		t.Error("nothing came at all")
	}
}
