package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	"github.com/nats-io/nats-server/v2/server"
)

// cluster runs three NATS servers that copy every stream, and returns them with
// the address list of all.
func cluster(t *testing.T) (nodes []*server.Server, addresses string) {
	t.Helper()
	var routes []*url.URL
	ports := make([]int, 3)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])})
	}
	for i := range ports {
		srv, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("node-%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, MaxPayload: 8 << 20,
			Cluster: server.ClusterOpts{Name: "dateline-test", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		nodes = append(nodes, srv)
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	}
	for i, srv := range nodes {
		if !srv.ReadyForConnections(time.Minute) {
			t.Fatal("a node did not start")
		}
		if i > 0 {
			addresses += ","
		}
		addresses += srv.ClientURL()
	}
	return nodes, addresses
}

// insist repeats what a cluster without a leader refuses for the moment.
func insist(t *testing.T, op func() error) {
	t.Helper()
	for {
		err := op()
		if err == nil {
			return
		}
		if news.CodeOf(err) != news.Unavailable && !errors.Is(err, context.DeadlineExceeded) || t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// A cluster of three keeps the log, its revision control and its readers going
// when one node is gone.
func TestWire_ClusterLosesANode(t *testing.T) {
	t.Parallel()
	nodes, addresses := cluster(t)
	var w *wire.Wire
	insist(t, func() (err error) {
		w, err = wire.Open(t.Context(), wire.Config{URL: addresses, DataDir: t.TempDir(), Queues: 2, Replicas: 3})
		return err
	})
	t.Cleanup(func() { _ = w.Close(context.WithoutCancel(t.Context())) })
	const each = 40
	publish := func(from, to int) {
		for n := from; n < to; n++ {
			e := first(fmt.Sprint("cluster ", n))
			var seq uint64
			insist(t, func() (err error) { seq, err = w.Append(t.Context(), e, 0); return err })
			// What was acknowledged is what the next reader sees, on whatever node.
			rec, err := w.Last(t.Context(), e.Release.ID)
			if err != nil || rec.Seq != seq {
				t.Fatalf("event %d: Last says %d, %v", seq, rec.Seq, err)
			}
		}
	}
	publish(0, each)
	nodes[0].Shutdown()
	nodes[0].WaitForShutdown()
	publish(each, 2*each)
	if got := follow(t, w, 1, 2*each); len(got.ids) != 2*each {
		t.Errorf("%d events of %d", len(got.ids), 2*each)
	}
	_, err := w.Append(t.Context(), revised(first("cluster 1"), "late"), 0)
	if !errors.Is(err, wire.ErrConflict) {
		t.Errorf("a stale append: %v", err)
	}
}
