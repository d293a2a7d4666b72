// Package guard holds the one HTTP client with which Dateline calls addresses
// that other people name: webhook endpoints today, more tomorrow.
//
// What is promised: no connection goes to a private, local, reserved or cloud
// metadata address, whatever name, redirect, proxy variable or changing DNS
// answer leads there, because the check is made on the resolved address at the
// moment of dialling ([code.dny.dev/ssrf] knows the networks). Public addresses
// are called by https only. The operator may open networks with
// --allow-network, plain http included; link-local and metadata addresses stay
// closed even then. Redirects are never followed.
//
// What is not promised: that an address accepted by [Client.CheckURL] can be
// called; a name is resolved at each call and may point elsewhere by then.
package guard
