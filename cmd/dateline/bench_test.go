package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"dateline/publisher/access"

	broker "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// BenchmarkPublish measures the whole path of one release, from the request to
// every feed showing it, beside its floor: a bare JetStream publish of the same
// size, synced to disk, until a consumer has it. Compare the medians of one run.
func BenchmarkPublish(b *testing.B) {
	b.Run("release to feeds", benchmarkReleaseToFeeds)
	b.Run("bare JetStream, synced", func(b *testing.B) { benchmarkBareJetStream(b, true) })
	b.Run("bare JetStream, default sync", func(b *testing.B) { benchmarkBareJetStream(b, false) })
}

func reportMedian(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

func benchmarkReleaseToFeeds(b *testing.B) {
	cfg, err := config{
		Data: b.TempDir(), Listen: "127.0.0.1:0", OpsListen: "127.0.0.1:0", Title: "Bench", Roles: allRoles,
		Queues: 4, Replicas: 1, MailFrom: "dateline@localhost", LogLevel: "error", Key: "a-key-for-this-benchmark",
	}.check()
	if err != nil {
		b.Fatal(err)
	}
	cfg.rates.Key = access.Rate{PerSecond: 1e6, Burst: 1e6} // what is measured is the path, not the limit
	a, err := startApp(b.Context(), cfg, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.close() })
	c := &client{base: a.url, key: cfg.Key, http: &http.Client{}}
	header := document{kind: "text/markdown"}.header()
	took := make([]time.Duration, 0, b.N)
	n := 0
	for b.Loop() {
		n++
		body := []byte(numberedRelease(n))
		begin := time.Now()
		if _, err := c.call(b.Context(), http.MethodPost, "/api/v1/releases", header, body, nil); err != nil {
			b.Fatal(err)
		}
		if err := a.now().feeds.Await(b.Context(), uint64(n)); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	reportMedian(b, took)
}

func benchmarkBareJetStream(b *testing.B, sync bool) {
	srv, err := broker.NewServer(&broker.Options{DontListen: true, JetStream: true, StoreDir: b.TempDir(), SyncAlways: sync, NoSigs: true, NoLog: true})
	if err != nil {
		b.Fatal(err)
	}
	srv.Start()
	b.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	st, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.*"}})
	if err != nil {
		b.Fatal(err)
	}
	cons, err := st.OrderedConsumer(b.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	it, err := cons.Messages()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(it.Stop)
	body := make([]byte, 1500)
	took := make([]time.Duration, 0, b.N)
	n := 0
	for b.Loop() {
		n++
		begin := time.Now()
		if _, err := js.Publish(b.Context(), fmt.Sprintf("bare.%d", n), body); err != nil {
			b.Fatal(err)
		}
		if _, err := it.Next(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	reportMedian(b, took)
}
