package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"dateline/publisher/guard"
)

// plainly says what went wrong in words that hold neither the URL nor an address.
func plainly(err error) string {
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		host    x509.HostnameError
		record  tls.RecordHeaderError
		timeout net.Error
	)
	switch {
	case errors.Is(err, guard.ErrRefused):
		return "the endpoint's name leads to an address that may not be called; an operator can open its network with --allow-network"
	case errors.Is(err, context.Canceled):
		return "the call was broken off because the server stops"
	case errors.As(err, &dns):
		return "the endpoint's name cannot be resolved"
	case errors.As(err, &cert), errors.As(err, &host), errors.As(err, &record):
		return "the endpoint's certificate is not accepted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the endpoint refused the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), strings.HasSuffix(err.Error(), "EOF"):
		return "the endpoint closed the connection"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "the endpoint took too long"
	}
	return "the endpoint cannot be reached"
}

// mayHaveArrived reports whether the request may have reached the endpoint,
// which it cannot when the connection did not come about.
func mayHaveArrived(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	return !badCert && !errors.Is(err, guard.ErrRefused)
}

// unreached reports whether any other message would have failed too: all but a
// connection that the endpoint closed, which it may do because of what it read.
func unreached(err error) bool {
	return !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !strings.HasSuffix(err.Error(), "EOF")
}
