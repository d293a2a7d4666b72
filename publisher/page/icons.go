package page

import _ "embed"

//go:embed icon.svg
var iconSVG []byte

//go:embed icon.ico
var iconICO []byte

//go:embed icon-180.png
var iconPNG []byte

// Icon is a picture of the house at a path of its own.
type Icon struct {
	Path, Type string
	Bytes      []byte
}

// Icons lists the pictures that browsers ask for: one that scales, one for those
// that ask at a fixed path, and one for the home screens of phones.
func Icons() []Icon {
	return []Icon{
		{"/favicon.svg", "image/svg+xml", iconSVG},
		{"/favicon.ico", "image/vnd.microsoft.icon", iconICO},
		{"/apple-touch-icon.png", "image/png", iconPNG},
	}
}
