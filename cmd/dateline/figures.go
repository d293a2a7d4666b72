package main

import (
	"context"
	"time"

	"dateline/subscribers"

	"github.com/prometheus/client_golang/prometheus"
)

// figures turns the components' own snapshots into metrics when they are asked
// for, so that no component knows of Prometheus.
type figures struct{ app *app }

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dateline_"+name, help, labels, nil)
}

var (
	descLog           = metric("log_events", "Events in the log.")
	descStored        = metric("stored", "Messages kept, by stream.", "stream")
	descStoreBytes    = metric("store_bytes", "Bytes stored, of all streams.")
	descStoreLimit    = metric("store_limit_bytes", "Bytes that may be stored; 0 when the NATS server does not say.")
	descApplied       = metric("feeds_applied", "Sequence of the newest event in the feeds.")
	descReleases      = metric("feeds_releases", "Releases in the feeds.")
	descAnswers       = metric("feeds_answers_total", "Answers to readers, by outcome.", "outcome")
	descFannedOut     = metric("fanned_out", "Sequence of the newest event whose alerts are queued.")
	descDesk          = metric("desk_versions", "Versions that wait at the desk: drafts, embargoed, and drafts that were not published when their embargo was over (stalled).", "state")
	descHeld          = metric("alerts_held", "Events at the end of the log whose alerts are not queued yet because the oldest of them is held; counts up from fanned_out.")
	descHeldSince     = metric("alerts_held_since_seconds", "Time of the oldest held event, in seconds since 1970; 0 when nothing is held.")
	descSubscriptions = metric("subscriptions", "Subscriptions, by state.", "state")
	descRecipients    = metric("recipients", "People and endpoints with a subscription.")
	descAlerts        = metric("alerts_total", "Alerts since the start, by channel and outcome.", "channel", "outcome")
	descWaiting       = metric("recipients_waiting", "Recipients whose alerts wait for a retry.")
	descConnections   = metric("outgoing_connections_total", "Outgoing webhook connections, by outcome.", "outcome")
	descBuild         = metric("build_info", "1, with the version.", "version")
)

// Describe says nothing: which metrics there are depends on the roles.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect takes one snapshot of everything. What does not answer in two
// seconds is left out.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(descBuild, 1, version())
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if st, err := f.app.wire.Stats(ctx); err == nil {
		gauge(descLog, float64(st.Events))
		gauge(descStoreBytes, float64(st.StoreBytes))
		gauge(descStoreLimit, float64(st.StoreLimit))
		for stream, n := range map[string]uint64{"queued": st.Queued, "held": st.Held, "dead": st.Dead, "attempts": st.Attempts} {
			gauge(descStored, float64(n), stream)
		}
	}
	if pub := f.app.now().pub; pub != nil {
		st := pub.DeskStats()
		gauge(descDesk, float64(st.Drafts-st.Stalled), "draft")
		gauge(descDesk, float64(st.Embargoed), "embargoed")
		gauge(descDesk, float64(st.Stalled), "stalled")
	}
	if f.app.now().feeds != nil {
		st := f.app.now().feeds.Stats()
		gauge(descApplied, float64(st.Applied))
		gauge(descReleases, float64(st.Releases))
		for outcome, n := range map[string]uint64{"served": st.Served, "not-modified": st.NotModified, "missing": st.Missing, "failed": st.Failed} {
			total(descAnswers, n, outcome)
		}
	}
	if f.app.now().subs != nil {
		st := f.app.now().subs.Stats()
		gauge(descFannedOut, float64(st.FannedOut))
		gauge(descHeld, float64(st.Held))
		since := float64(0)
		if !st.HeldSince.IsZero() {
			since = float64(st.HeldSince.UnixMilli()) / 1000
		}
		gauge(descHeldSince, since)
		gauge(descRecipients, float64(st.Recipients))
		gauge(descSubscriptions, float64(st.Subscriptions-st.Disabled), "active")
		gauge(descSubscriptions, float64(st.Disabled), "disabled")
		gauge(descWaiting, float64(st.Waiting))
		for outcome, counts := range map[string]map[subscribers.Channel]uint64{
			"accepted": st.Accepted, "failed": st.Failed, "given-up": st.GivenUp, "not-needed": st.Skipped, "too-late": st.Late,
		} {
			for channel, n := range counts {
				total(descAlerts, n, string(channel), outcome)
			}
		}
		total(descConnections, st.Dialled, "dialled")
		total(descConnections, st.Refused, "refused")
	}
}
