package wire_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"

	"dateline/publisher/news"
	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// bare is a JetStream without Dateline: the floor that the figures are held
// against. It syncs every write, as ours does.
func bare(b *testing.B) (jetstream.JetStream, jetstream.Stream) {
	b.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: b.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true})
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
	s, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.*"}, AllowAtomicPublish: true})
	if err != nil {
		b.Fatal(err)
	}
	return js, s
}

// encoded is the size of event that the floors publish too.
func encoded(b *testing.B) []byte {
	b.Helper()
	data, err := news.Encode(first("1"))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func BenchmarkAppend(b *testing.B) {
	b.Run("dateline", func(b *testing.B) {
		w := wiretest.New(b)
		n := 0
		for b.Loop() {
			n++
			add(b, w, first(strconv.Itoa(n)), 0)
		}
	})
	b.Run("bare", func(b *testing.B) {
		js, _ := bare(b)
		data := encoded(b)
		n := 0
		for b.Loop() {
			n++
			if _, err := js.Publish(b.Context(), "bare."+strconv.Itoa(n), data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

const replayed = 10_000

func BenchmarkFollow(b *testing.B) {
	b.Run("dateline", func(b *testing.B) {
		w := wiretest.New(b)
		fill(b, w, replayed)
		for b.Loop() {
			follow(b, w, 1, replayed)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/replayed, "ns/event")
	})
	b.Run("bare", func(b *testing.B) {
		js, s := bare(b)
		data := encoded(b)
		for i := range replayed {
			if _, err := js.PublishAsync("bare."+strconv.Itoa(i), data); errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
				<-js.PublishAsyncComplete()
			} else if err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		for b.Loop() {
			cons, err := s.OrderedConsumer(b.Context(), jetstream.OrderedConsumerConfig{})
			if err != nil {
				b.Fatal(err)
			}
			it, err := cons.Messages(jetstream.PullMaxMessages(512))
			if err != nil {
				b.Fatal(err)
			}
			info, err := s.Info(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			for range info.State.Msgs {
				if _, err := it.Next(); err != nil {
					b.Fatal(err)
				}
			}
			it.Stop()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/replayed, "ns/event")
	})
}

func BenchmarkEnqueue(b *testing.B) {
	w := wiretest.New(b)
	tasks := make([]wire.Task, wire.MaxTasks)
	for i := range tasks {
		tasks[i] = wire.Task{Channel: "mail", Priority: "normal", Payload: make([]byte, 128)}
	}
	var at wire.Cursor
	for b.Loop() {
		next, err := w.Enqueue(b.Context(), 0, at, wire.Cursor{Seq: at.Seq + 1, Done: true}, tasks)
		if err != nil {
			b.Fatal(err)
		}
		at = next
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/wire.MaxTasks, "ns/task")
}

func BenchmarkRecord(b *testing.B) {
	w := wiretest.New(b)
	var n atomic.Int64
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := w.Record(context.WithoutCancel(b.Context()), "r"+strconv.FormatInt(n.Add(1), 10), "release", make([]byte, 200)); err != nil {
				b.Error(err)
			}
		}
	})
}
