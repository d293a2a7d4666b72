package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness is the body of /readyz: for each part "ok" or what is missing.
type readiness struct {
	Ready bool              `json:"ready"`
	Parts map[string]string `json:"parts"`
}

func (a *app) ready(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out := readiness{Ready: true, Parts: map[string]string{}}
	look := func(part string, ready func(context.Context) error) {
		out.Parts[part] = "ok"
		if err := ready(ctx); err != nil {
			out.Ready, out.Parts[part] = false, err.Error()
		}
	}
	look("log", a.wire.Ready)
	look("keys", a.keys.Ready)
	if a.now().pub != nil {
		look(rolePublisher, a.now().pub.Ready)
	}
	if a.now().feeds != nil {
		look(roleFeeds, a.now().feeds.Ready)
	}
	if a.now().subs != nil {
		look(roleSubscribers, a.now().subs.Ready)
	}
	return out
}

// opsHandler serves what operators and orchestrators ask: /livez says that the
// process answers, /readyz that it can do its work, /metrics counts (Prometheus
// text format).
func (a *app) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state := a.ready(r.Context())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !state.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(state) // the asker may be gone
	})
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &figures{app: a})
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	return mux
}
