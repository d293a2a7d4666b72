package wire_test

import (
	"strings"
	"testing"
	"time"

	"dateline/publisher/wire"
	"dateline/publisher/wire/wiretest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// A start looks first: it changes what differs and leaves alone what fits.
func TestOpen_ChangesWhatDiffers(t *testing.T) {
	t.Parallel()
	srv := outside(t, server.Options{})
	cfg := wire.Config{URL: srv.ClientURL(), Queues: 2, Desk: true}
	shut(t, wiretest.Open(t, cfg))
	js := clientOf(t, srv)
	changes, err := js.Conn().SubscribeSync("$JS.EVENT.ADVISORY.STREAM.*.>")
	if err != nil {
		t.Fatal(err)
	}
	// changed are the streams that are made or changed until the reader says that it has seen all.
	changed := func() (names []string) {
		t.Helper()
		marker := jetstream.StreamConfig{Name: "MARKER", Subjects: []string{"marker"}}
		if _, err := js.CreateStream(t.Context(), marker); err != nil {
			t.Fatal(err)
		}
		if err := js.DeleteStream(t.Context(), marker.Name); err != nil {
			t.Fatal(err)
		}
		for {
			m, err := changes.NextMsg(10 * time.Second)
			if err != nil {
				t.Fatal(err)
			}
			word := strings.Split(m.Subject, ".")
			switch kind, name := word[4], word[5]; {
			case name == marker.Name && kind == "DELETED":
				return names
			case name != marker.Name:
				names = append(names, kind+" "+name)
			}
		}
	}
	shut(t, wiretest.Open(t, cfg))
	if names := changed(); len(names) > 0 {
		t.Errorf("a start without need has %v", names)
	}
	s, err := js.Stream(t.Context(), "ATTEMPTS")
	if err != nil {
		t.Fatal(err)
	}
	want := s.CachedInfo().Config
	other := want
	other.MaxAge, other.AllowDirect = time.Hour, false
	if _, err := js.UpdateStream(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	changed()
	shut(t, wiretest.Open(t, cfg))
	if names := changed(); len(names) != 1 || names[0] != "UPDATED ATTEMPTS" {
		t.Errorf("a start beside another ATTEMPTS has %v", names)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.Config.MaxAge != want.MaxAge || !info.Config.AllowDirect {
		t.Errorf("ATTEMPTS is %+v, %v", info.Config, err)
	}
}

// Who reads may lack every right to make and change: it waits for nothing and
// says what has to be there.
func TestOpen_WhoReadsNeedsAPublisher(t *testing.T) {
	t.Parallel()
	may := &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: []string{"$JS.API.>"}, Deny: []string{"$JS.API.STREAM.CREATE.>", "$JS.API.STREAM.UPDATE.>"}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_reader.>"}},
	}
	srv := outside(t, server.Options{Users: []*server.User{
		{Username: "publisher", Password: "publisher"}, {Username: "reader", Password: "reader", Permissions: may},
	}})
	address := func(user string) string { return "nats://" + user + ":" + user + "@" + srv.Addr().String() }
	reader := wire.Config{URL: address("reader"), Queues: 2, Log: zerolog.Nop()}
	alone := within(t, 4*time.Second, func() error { _, err := wire.Open(t.Context(), reader); return err })
	if alone == nil || !strings.Contains(alone.Error(), "start the publisher first") {
		t.Errorf("without a publisher: %v", alone)
	}
	pub := wiretest.Open(t, wire.Config{URL: address("publisher"), Queues: 2, Desk: true})
	fill(t, pub, 2)
	r := wiretest.Open(t, reader)
	if got := follow(t, r, 1, 2); got.err != nil {
		t.Error(got.err)
	}
	bucket := within(t, 4*time.Second, func() error { _, err := r.Bucket(t.Context(), "THINGS", "", 0); return err })
	if bucket == nil || !strings.Contains(bucket.Error(), "start the publisher first") {
		t.Errorf("a bucket that is not there: %v", bucket)
	}
	if _, err := r.Bucket(t.Context(), "KEYS", "", 0); err == nil {
		t.Error("a process that does not publish gets the keys")
	}
	if _, err := r.Bucket(t.Context(), "SUBSCRIPTIONS", "", 0); err != nil {
		t.Errorf("a bucket that the publisher has made: %v", err)
	}
}
