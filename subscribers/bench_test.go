package subscribers_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/subscribers"
)

// BenchmarkWebhooks sends one release to many endpoints on a local receiver:
// durable, signed, with both records of each attempt.
func BenchmarkWebhooks(b *testing.B) {
	const endpoints = 2000
	var got atomic.Int64
	all := make(chan struct{}, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if got.Add(1)%endpoints == 0 {
			all <- struct{}{}
		}
	}))
	defer srv.Close()
	w := newWorldOf(b, 8, nil)
	for i := range endpoints {
		if _, _, err := w.subs.Subscribe(b.Context(), subscribers.Wish{Channel: subscribers.Webhook, Address: fmt.Sprintf("%s/%d", srv.URL, i), Selection: fields("policing")}); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	start := time.Now()
	for b.Loop() {
		w.publish(fmt.Sprint(n), tagged("Benchmark", []string{"policing"}), news.KindPublished)
		n++
		<-all
	}
	b.ReportMetric(float64(n*endpoints)/time.Since(start).Seconds(), "deliveries/s")
	w.quiet()
}

// BenchmarkFanout queues one release for many recipients whose channel nobody
// drains.
func BenchmarkFanout(b *testing.B) {
	const recipients = 5000
	w := newWorldOf(b, 8, func(c *subscribers.Config) { c.Workers = 1 })
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer srv.CloseClientConnections()
	for i := range recipients {
		if _, _, err := w.subs.Subscribe(context.Background(), subscribers.Wish{Channel: subscribers.Webhook, Address: fmt.Sprintf("%s/%d", srv.URL, i), Selection: fields("policing")}); err != nil {
			b.Fatal(err)
		}
	}
	n := uint64(0)
	start := time.Now()
	for b.Loop() {
		w.publish(fmt.Sprint(n), tagged("Benchmark", []string{"policing"}), news.KindPublished)
		n++
		for w.subs.Stats().Queued < n*recipients {
			runtime.Gosched() // the count moves without an event
		}
	}
	b.ReportMetric(float64(n*recipients)/time.Since(start).Seconds(), "tasks/s")
}
