package news

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 section 5.5 defines version 5 on SHA-1; it names, it does not protect
	"encoding/hex"
	"strings"
)

// namespace is the UUID under which release ids are minted (RFC 9562 section
// 5.5). It never changes: every id in the world depends on it.
var namespace = [16]byte{0x6f, 0x1c, 0x7d, 0x52, 0x0b, 0x9e, 0x5a, 0x41, 0x9d, 0x37, 0x2c, 0x84, 0xe0, 0x1f, 0x6a, 0xd3}

// NewID mints the id of a release from its first origin: a UUIDv5 in lower
// case. The same origin always gives the same id.
func NewID(origin string) string {
	h := sha1.New() //nolint:gosec // see the import
	h.Write(namespace[:])
	h.Write([]byte(origin))
	var u [16]byte
	copy(u[:], h.Sum(nil))
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// ValidID reports whether s has the form of a release id: 36 characters, lower
// case hexadecimal with four dashes.
func ValidID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdef", c) {
				return false
			}
		}
	}
	return true
}
