package wire

// Explain turns the error of an operation on a bucket into one that a caller
// can act on: a [news.Problem] of code [news.Unavailable] while the server does
// not answer, of code [news.DiskFull] when the store is full, everything else
// with op in front. Nil stays nil.
func Explain(op string, err error) error { return translate(op, err) }
