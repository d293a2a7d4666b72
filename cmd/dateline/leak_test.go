package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dateline/publisher/news"
	"dateline/publisher/wire"

	natsapi "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// secretWords stand in everything that lies at the desk and in private buckets.
const secretWords = "zq-not-yet-public-zq"

// privateStreams hold them, each with a subject of its own.
func privateStreams(id string) map[string]string {
	out := map[string]string{"DESK": "desk.rel." + id, "EMBARGO": "emb.at." + id}
	for _, bucket := range []string{"KEYS", "KEYS_USED", "IDEMPOTENCY", "ORIGINS", "PULL"} {
		out["KV_"+bucket] = "$KV." + bucket + ".secret"
	}
	return out
}

// hide puts the secret words wherever something is private and returns the
// release's id.
func hide(t *testing.T, w *wire.Wire, version int, after uint64) (id string, at uint64) {
	t.Helper()
	id = news.NewID("secret")
	at, err := w.KeepPending(t.Context(), news.Pending{
		State: news.Draft, Version: version, Kind: news.KindPublished, Changed: time.Now(), By: "an editor",
		Release: news.Release{ID: id, Origin: "secret", Title: secretWords, Text: fmt.Sprint(secretWords, version), PublishedAt: time.Now()},
	}, after)
	if err == nil {
		err = errors.Join(w.Note(t.Context(), id, []byte(secretWords)), w.DueAt(t.Context(), id, time.Now().Add(time.Hour)))
	}
	for stream := range privateStreams(id) {
		name, isBucket := strings.CutPrefix(stream, "KV_")
		if err != nil || !isBucket {
			continue
		}
		var kv jetstream.KeyValue
		if kv, err = w.Bucket(t.Context(), name, "", 0); err == nil {
			_, err = kv.PutString(t.Context(), "secret", secretWords)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return id, at
}

// spy is a client that tries to read what is private.
type spy struct {
	t     *testing.T
	nc    *nats.Conn
	inbox string
	// refusals has a place for every complaint of the server.
	refusals chan error

	mu    sync.Mutex
	heard int  // messages that came
	leak  bool // the secret words were in one
}

func newSpy(t *testing.T, url, inbox string) *spy {
	t.Helper()
	s := &spy{t: t, inbox: inbox, refusals: make(chan error, 4096)}
	var err error
	s.nc, err = nats.Connect(url, nats.CustomInboxPrefix(inbox), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { s.refusals <- err }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.nc.Close)
	s.listen(inbox + ".>")
	return s
}

func (s *spy) listen(subject string) {
	s.t.Helper()
	_, err := s.nc.Subscribe(subject, func(m *nats.Msg) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heard++
		var answer struct{ Message struct{ Data []byte } }
		_ = json.Unmarshal(m.Data, &answer) // it may be none
		s.leak = s.leak || bytes.Contains(m.Data, []byte(secretWords)) || bytes.Contains(answer.Message.Data, []byte(secretWords))
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// ask publishes a request with the answer going to the spy's own inbox.
func (s *spy) ask(subject, answer, body string) {
	s.t.Helper()
	if err := s.nc.PublishRequest(subject, answer, []byte(body)); err != nil {
		s.t.Fatal(err)
	}
}

// mustRefuse asks, and fails unless the server refuses to take the request.
func (s *spy) mustRefuse(subject, body string) {
	s.t.Helper()
	s.ask(subject, s.inbox+".answer", body)
	s.refused(subject)
}

func (s *spy) refused(subject string) {
	s.t.Helper()
	select {
	case err := <-s.refusals:
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+subject+`"`) {
			s.t.Errorf("%s: %v", subject, err)
		}
	case <-time.After(5 * time.Second):
		s.t.Errorf("%s is not refused", subject)
	}
}

// leaked reports whether the secret words have come.
func (s *spy) leaked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leak
}

func (s *spy) heardAnything() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard > 0
}

// settle waits for the answer to a question that the spy may ask, so that what
// the server was told before has had its effect.
func (s *spy) settle(question string) {
	s.t.Helper()
	for range 3 {
		if _, err := s.nc.Request(question, nil, 5*time.Second); err != nil {
			s.t.Fatalf("%s: %v", question, err)
		}
	}
}

// request is one thing that can be asked of a stream.
type request struct{ subject, body string }

// asked makes a request to the JetStream API of a template with a place for the
// stream, and one for a consumer.
func asked(api, template, stream, body string) request {
	name := fmt.Sprintf(strings.Replace(template, "%s.%s", "%s.spy", 1), stream)
	return request{api + strings.TrimPrefix(name, natsapi.JSApiPrefix), body}
}

// reads are the requests about a stream that would have the words sent to the inbox.
func reads(api, stream, subject, inbox string) []request {
	var out []request
	add := func(template, body string) { out = append(out, asked(api, template, stream, body)) }
	push := fmt.Sprintf(`{"stream_name":%q,"config":{"name":"spy","durable_name":"spy","deliver_subject":"%s.push","deliver_policy":"all","ack_policy":"none"}}`, stream, inbox)
	pull := fmt.Sprintf(`{"stream_name":%q,"config":{"name":"spy","durable_name":"spy","deliver_policy":"all","ack_policy":"none"}}`, stream)
	for _, body := range []string{`{"seq":1}`, fmt.Sprintf(`{"last_by_subj":%q}`, subject), `{"next_by_subj":">","seq":1}`} {
		add(natsapi.JSApiMsgGetT, body)
		add(natsapi.JSDirectMsgGetT, body)
	}
	add("$JS.API.DIRECT.GET.%s."+subject, "")
	for _, body := range []string{push, pull} {
		add(natsapi.JSApiConsumerCreateT, body)
		add("$JS.API.CONSUMER.CREATE.%s.spy", body)
		add("$JS.API.CONSUMER.CREATE.%s.spy."+subject, body)
		add(natsapi.JSApiDurableCreateT, body)
	}
	add(natsapi.JSApiRequestNextT, "10")
	add(natsapi.JSApiStreamSnapshotT, fmt.Sprintf(`{"deliver_subject":"%s.snapshot"}`, inbox))
	add(natsapi.JSApiStreamInfoT, `{"subjects_filter":">"}`)
	for _, body := range []string{ // a copy, in a new stream or in one that is there
		fmt.Sprintf(`{"name":"COPY","mirror":{"name":%q}}`, stream), fmt.Sprintf(`{"name":"COPY","sources":[{"name":%q}]}`, stream),
		fmt.Sprintf(`{"name":%q,"subjects":[%q],"republish":{"src":">","dest":"%s.copy"}}`, stream, subject, inbox),
	} {
		for _, name := range []string{"COPY", "WIRE", "DEAD", "KV_SUBSCRIPTIONS", stream} {
			out = append(out, request{fmt.Sprintf(api+".STREAM.CREATE.%s", name), body}, request{fmt.Sprintf(api+".STREAM.UPDATE.%s", name), body})
		}
	}
	return out
}

// others are the remaining requests that the JetStream API takes about a
// stream, and a message to the stream itself.
func others(api, stream, subject string) []request {
	var out []request
	for _, template := range []string{
		natsapi.JSApiConsumersT, natsapi.JSApiConsumerListT, natsapi.JSApiConsumerInfoT, natsapi.JSApiConsumerDeleteT, natsapi.JSApiConsumerPauseT,
		natsapi.JSApiConsumerResetT, natsapi.JSApiConsumerUnpinT, natsapi.JSApiMsgDeleteT, natsapi.JSApiStreamPurgeT, natsapi.JSApiStreamRestoreT,
		natsapi.JSApiStreamRemovePeerT, natsapi.JSApiStreamEvacuatePeerT, natsapi.JSApiStreamCancelMoveT, natsapi.JSApiStreamLeaderStepDownT,
		natsapi.JSApiConsumerLeaderStepDownT, natsapi.JSApiConsumerRemovePeerT, natsapi.JSApiConsumerEvacuatePeerT,
		natsapi.JSApiAccountPurgeT, natsapi.JSApiServerStreamMoveT, natsapi.JSApiServerStreamCancelMoveT, natsapi.JSApiStreamDeleteT,
	} {
		out = append(out, asked(api, template, stream, `{"seq":1}`))
	}
	return append(out, request{subject, secretWords})
}

func requests(api, stream, subject, inbox string) []request {
	return append(reads(api, stream, subject, inbox), others(api, stream, subject)...)
}

// eavesdrop are subjects that would bring what others are told.
func eavesdrop() []string {
	return []string{
		">", "*.>", "desk.>", "*.rel.*", "desk.rel.*", "emb.>", "$KV.>", "$KV.KEYS.>", "_INBOX.>", "_INBOX_publisher.>", "_INBOX_desk.>", "_INBOX_dateline.>", "*.*.*",
		"$JS.>", "$JS.API.>", "$JS.ACK.>", "$JS.EVENT.>", "$JS.EVENT.ADVISORY.API", "$SYS.>", "_R_.>", "wire.rel.>", "dlv.>", "att.>",
	}
}

// The roles feeds and subscribers reach nothing that is private: every request
// that could is refused, nobody else's messages are heard, and the server does
// not carry out for them what they may not ask.
func TestRoles_privateStaysPrivate(t *testing.T) {
	broker := startRolesBroker(t)
	w, err := wire.Open(t.Context(), wire.Config{URL: broker.urls["publisher"], DeskURL: broker.urls["desk"], Desk: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(t.Context()) })
	id, at := hide(t, w, 1, 0)

	desk := newSpy(t, broker.urls["desk"], "_INBOX_desk")
	for _, r := range reads("$JS.API", "DESK", "desk.rel."+id, desk.inbox)[:1] {
		desk.ask(r.subject, desk.inbox+".answer", r.body)
	}
	// The answers may come in another order than they were asked for.
	for desk.settle("$JS.API.INFO"); !desk.leaked(); desk.settle("$JS.API.INFO") {
		if t.Context().Err() != nil {
			t.Fatal("the desk's own user does not get the words, so nothing is tested")
		}
	}
	spies := map[string]*spy{}
	for _, user := range []string{"feeds", "subscribers"} {
		s := newSpy(t, broker.urls[user], "_INBOX_"+user)
		spies[user] = s
		for stream, subject := range privateStreams(id) {
			for _, r := range requests("$JS.API", stream, subject, s.inbox) {
				s.mustRefuse(r.subject, r.body)
			}
		}
		for _, subject := range []string{"$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", natsapi.JSApiLeaderStepDown, natsapi.JSApiRemoveServer, natsapi.JSApiEvacuateServer, natsapi.JSApiMetaRescue, "$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.DESK.INFO", "desk.audit." + id, "emb.due." + id, "wire.rel." + id, "erased.1", "erasure." + id} {
			s.mustRefuse(subject, "{}")
		}
		for _, subject := range eavesdrop() {
			s.listen(subject)
			s.refused(subject)
		}
	}
	spies["subscribers"].letServerAsk(id)
	hide(t, w, 2, at)
	for user, s := range spies {
		s.settle("$JS.API.INFO")
		if s.leaked() {
			t.Errorf("%s has the secret words", user)
		}
		if !s.heardAnything() {
			t.Errorf("%s heard nothing at all, not even answers", user)
		}
		for len(s.refusals) > 0 {
			if err := <-s.refusals; !errors.Is(err, nats.ErrPermissionViolation) {
				t.Error(err)
			}
		}
	}
	js, err := jetstream.New(desk.nc)
	if err != nil {
		t.Fatal(err)
	}
	for stream := range privateStreams(id) {
		st, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		for name := range st.ConsumerNames(t.Context()).Name() {
			t.Errorf("%s has the consumer %s", stream, name)
		}
	}
}

// letServerAsk has the server make requests that the spy may not make itself:
// what a stream holds is handed on to a subject of the spy's choice, by a read, a
// pull or a push. That works, and therefore the desk has an account of its own.
func (s *spy) letServerAsk(id string) {
	s.t.Helper()
	for stream, subject := range privateStreams(id) {
		for _, r := range reads("$JS.API", stream, subject, s.inbox) {
			s.handOn(r)
		}
		target := "$JS.API.CONSUMER.CREATE." + stream + ".spy"
		s.ask("$JS.API.CONSUMER.CREATE.WIRE.spy", s.inbox+".answer", `{"stream_name":"WIRE","config":{"name":"spy","deliver_subject":"`+target+`","ack_policy":"none"}}`)
	}
	// In its own account the server carries out what the spy may not ask.
	proof := s.inbox + ".proof"
	arrived, err := s.nc.SubscribeSync(proof)
	if err != nil {
		s.t.Fatal(err)
	}
	s.handOn(request{"$JS.API.CONSUMER.CREATE.KV_LEASES.proof", `{"stream_name":"KV_LEASES","config":{"name":"proof","deliver_subject":"` + proof + `","ack_policy":"none"}}`})
	s.ask("$KV.LEASES.proof", s.inbox+".answer", "a message")
	if _, err := arrived.NextMsg(5 * time.Second); err != nil {
		s.t.Errorf("the server does not carry requests out any more (%v); are two accounts still needed?", err)
	}
}

// handOn stores the body of a request as a message, and has it handed on to the
// request's subject.
func (s *spy) handOn(r request) {
	s.t.Helper()
	const record, queued = "$KV.SUBSCRIPTIONS.spy", "dlv.0.mail.spy"
	for _, subject := range []string{record, queued} {
		if _, err := s.nc.Request(subject, []byte(r.body), 5*time.Second); err != nil {
			s.t.Fatal(err)
		}
	}
	s.ask("$JS.API.DIRECT.GET.KV_SUBSCRIPTIONS."+record, r.subject, "")
	if _, err := s.nc.Request("$JS.API.CONSUMER.CREATE.DELIVER_0.spy."+queued, []byte(`{"stream_name":"DELIVER_0","config":{"name":"spy","durable_name":"spy","filter_subject":"`+queued+`","ack_policy":"explicit"}}`), 5*time.Second); err != nil {
		s.t.Fatal(err)
	}
	s.ask("$JS.API.CONSUMER.MSG.NEXT.DELIVER_0.spy", r.subject, `{"batch":1}`)
}

// What the roles may ask names a public stream, before any wildcard.
func TestDeploy_natsRights(t *testing.T) {
	for _, u := range natsOptions(t).Users {
		if u.Username == "dateline" || u.Username == "desk" {
			continue // each has an account for itself, or shares none with a secret
		}
		if u.Permissions == nil || u.Permissions.Response != nil {
			t.Fatalf("%s may do anything, or answer anyone", u.Username)
		}
		if allow := u.Permissions.Subscribe.Allow; len(allow) != 1 || allow[0] != "_INBOX_"+u.Username+".>" {
			t.Errorf("%s may listen to %v", u.Username, allow)
		}
		if u.Username == "publisher" {
			continue
		}
		public := regexp.MustCompile(`^\$JS\.API\.(INFO$|[A-Z.]+\.(WIRE|LATER|ATTEMPTS|DEAD|ERASED|DELIVER_[0-7]|KV_HEAD|KV_LOSSES|KV_TAXONOMY|KV_SUBSCRIPTIONS|KV_SUBSCRIBER_KEYS|KV_LEASES)(\.|$))`)
		for _, subject := range u.Permissions.Publish.Allow {
			first, _, _ := strings.Cut(subject, ".")
			switch {
			case strings.HasPrefix(subject, "$JS.API."):
				if !public.MatchString(subject) || regexp.MustCompile(`STREAM\.(CREATE|UPDATE|DELETE|PURGE|SNAPSHOT|RESTORE)`).MatchString(subject) {
					t.Errorf("%s may ask %s", u.Username, subject)
				}
			case !slices.Contains([]string{"dead", "att", "later", "held", "fan", "dlv", "$KV", "$JS"}, first):
				t.Errorf("%s may publish to %s", u.Username, subject)
			}
		}
	}
}

// The operator of an embedded server reaches nothing private either.
func TestServer_operatorReadsNothingPrivate(t *testing.T) {
	dir := t.TempDir()
	w, err := wire.Open(t.Context(), wire.Config{DataDir: dir, Listen: "127.0.0.1:0", Queues: 1, Desk: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(t.Context()) })
	id, at := hide(t, w, 1, 0)
	pass, err := os.ReadFile(filepath.Join(dir, "nats-password"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSpy(t, "nats://operator:"+string(pass)+"@"+w.ListenAddr(), "_INBOX_operator")
	for _, subject := range eavesdrop() {
		s.listen(subject) // in an account of its own, where nothing of it is heard
	}
	for _, api := range []string{"$JS.API", "$JS.dateline.API"} {
		for stream, subject := range privateStreams(id) {
			for _, r := range requests(api, stream, subject, s.inbox) {
				s.mustRefuse(r.subject, r.body)
			}
		}
		s.mustRefuse(api+".STREAM.LIST", "")
	}
	hide(t, w, 2, at)
	if s.settle("$JS.dateline.API.INFO"); s.leaked() {
		t.Error("the operator has the secret words")
	}
}
