// Package access says who may do what through the API: the key that a request
// must carry, and the one form in which a refusal is answered.
//
// For now there is one key with every right, the admin key. It is written into
// the data folder at the first start (mode 0600), or given by the environment,
// and only its hash is kept in memory. Comparison takes the same time for every
// wrong key.
package access
