// Package qrcode draws QR codes for pages with a strict content policy: as the path of an SVG, without styles.
package qrcode

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// Quiet is the light frame that readers need around the code, in modules.
const Quiet = 4

// Path returns the dark modules of a QR code for text as the data of an SVG path, one unit a module, and how many units the drawing is wide and high with its
// frame. It corrects 15 % of errors. It fails for more than some 2,000 characters.
func Path(text string) (data string, size int, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("qrcode: %w", err)
	}
	var b strings.Builder
	n := code.Bounds().Dx()
	for y := range n {
		for x := 0; x < n; x++ {
			run := 0
			for x+run < n && dark(code.At(x+run, y)) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+Quiet, y+Quiet, run, run)
				x += run
			}
		}
	}
	return b.String(), n + 2*Quiet, nil
}

func dark(c color.Color) bool {
	red, _, _, _ := c.RGBA()
	return red == 0
}
