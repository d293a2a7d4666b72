// Command dateline publishes press releases as news feeds and alerts: it reads
// a release, emits it as a NATS event, regenerates the feeds of every topic it
// touches, and pushes e-mail and webhook alerts. Run "dateline help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones, for images without files

	_ "golang.org/x/crypto/x509roots/fallback" // certificate authorities, for the same
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:], stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.LookupEnv))
}
