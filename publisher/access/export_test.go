package access

// Watched gives k's memory what a watch of the keys would bring.
func (k *Keys) Watched(name string, value []byte, revision uint64) {
	k.ring.take(name, value, revision)
}
