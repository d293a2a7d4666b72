// Package read is being written.
package read
