package subscribers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"

	"github.com/emersion/go-smtp"
)

// TestSubscribers_Run_revisedBetweenTries: a minor revision falls between a
// failed try and its retry. It is one alert, so it keeps its one id.
func TestSubscribers_Run_revisedBetweenTries(t *testing.T) {
	// failOnce refuses the next call, lets meanwhile run, and accepts what follows.
	failOnce := func(hook *receiver, meanwhile func()) {
		first := true
		hook.behave(func(call, int) (int, http.Header) {
			if !first {
				return http.StatusOK, nil
			}
			first = false
			meanwhile()
			return http.StatusInternalServerError, nil
		})
	}
	start := func(t *testing.T) (*world, *receiver) {
		w, hook := newWorld(t, func(c *subscribers.Config) { c.Backoff = []time.Duration{time.Millisecond} }), newReceiver(t)
		w.subscribe(subscribers.Webhook, hook.URL, fields("policing"))
		return w, hook
	}
	check := func(t *testing.T, c call, id string, now news.Event, kind news.Kind, title string) {
		t.Helper()
		if c.ID != id || c.Event.ID != now.ID() || c.Event.Type != "dateline.release."+string(kind)+".v1" || c.Event.Data.Title != title {
			t.Errorf("got id %s with event %s of type %s, title %q", c.ID, c.Event.ID, c.Event.Type, c.Event.Data.Title)
		}
	}
	t.Run("a first publication stays one, with the words of now", func(t *testing.T) {
		w, hook := start(t)
		var now news.Event
		failOnce(hook, func() { now = w.publish("r", tagged("Tidied", []string{"policing"}), news.KindRevised) })
		first := w.publish("r", tagged("Title", []string{"policing"}), news.KindPublished)
		check(t, hook.next(t), first.ID(), first, news.KindPublished, "Title")
		check(t, hook.next(t), first.ID(), now, news.KindPublished, "Tidied")
	})
	t.Run("a correction stays one, with its note", func(t *testing.T) {
		w, hook := start(t)
		w.publish("r", tagged("Title", []string{"policing"}), news.KindPublished)
		hook.next(t)
		var now news.Event
		failOnce(hook, func() {
			r := tagged("Right, tidied", []string{"policing"})
			r.Note = "The title was wrong, and a comma too."
			now = w.publish("r", r, news.KindRevised)
		})
		r := tagged("Right", []string{"policing"})
		r.Note = "The title was wrong."
		corrected := w.publish("r", r, news.KindCorrected)
		hook.next(t)
		c := hook.next(t)
		check(t, c, corrected.ID(), now, news.KindCorrected, "Right, tidied")
		if !strings.Contains(string(c.Body), "The title was wrong") {
			t.Errorf("the note is missing: %s", c.Body)
		}
	})
	t.Run("a republication stays one", func(t *testing.T) {
		w, hook := start(t)
		w.publish("r", tagged("Title", []string{"policing"}), news.KindPublished)
		hook.next(t)
		w.withdraw("r")
		hook.next(t)
		var now news.Event
		failOnce(hook, func() { now = w.publish("r", tagged("Back, tidied", []string{"policing"}), news.KindRevised) })
		again := w.publish("r", tagged("Back", []string{"policing"}), news.KindRepublished)
		hook.next(t)
		check(t, hook.next(t), again.ID(), now, news.KindRepublished, "Back, tidied")
	})
}

// TestSubscribers_Run_revisedBetweenMails: who hears of a release after a minor
// revision gets the mail that was announced, and a correction refers to it.
func TestSubscribers_Run_revisedBetweenMails(t *testing.T) {
	box := newPostbox(t)
	box.answer(&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"})
	w := newWorld(t, bySMTP(box, 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond))
	w.subscribe(subscribers.Mail, "reader@example.net", fields("policing"))
	first := w.publish("r", tagged("Title", []string{"policing"}), news.KindPublished)
	w.eventually("put off", func() bool { return w.subs.Stats().Waiting == 1 })
	w.publish("r", tagged("Tidied", []string{"policing"}), news.KindRevised)
	box.answer(nil)
	if m := box.next(t); m.Header.Get("Dateline-Event") != first.ID() || m.Header.Get("Subject") != "Tidied" {
		t.Errorf("got %q as %q", m.Header.Get("Subject"), m.Header.Get("Dateline-Event"))
	}
}
