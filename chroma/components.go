package chroma

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// negativePowersOf10 are the powers of ten from 10⁰ down to 10⁻¹³, each rounded
// to the nearest float64.
var negativePowersOf10 = [...]float64{
	1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13,
}

// componentsAt reads components from b[i:] on for as long as they look as
// nearly all do, "0.dddddd," to "-0.ddddddddddddd,", and puts their bits into
// row, four bytes each. It gives how many there were, as bytes of row, and the
// place behind them.
//
// Time goes where the next component's place waits for this one's, so that is
// found first: from the comma, in one step, and without a branch for the sign
// or for the number of digits.
//
// The mantissa is exact as float64. Its product with a rounded power of ten is
// off by less than two units in the last place, which rounds to the right
// float32 unless it lies that near the middle between two of them. Where it
// lies nearer than four units, the component is left to float32At.
func componentsAt(b []byte, i int, row []byte) (done, end int) {
	const (
		low    = 1<<29 - 1 // bits of a float64's mantissa that a float32 has not
		middle = 1 << 28
		margin = 4
	)
	for done+4 <= len(row) && i >= 16 && i+16 <= len(b) {
		comma := digitsBefore(binary.LittleEndian.Uint64(b[i+8:]))
		at := i + 8 + comma
		if comma == 8 || b[at] != ',' {
			break
		}
		sign := 0
		if b[i] == '-' {
			sign = 1
		}
		if b[i+sign] != '0' || b[i+sign+1] != '.' {
			break
		}
		digits := at - i - sign - 2
		last := min(digits, 8)
		first := digits - last
		// The digits end at the comma; what stands before them is shifted out.
		end := (binary.LittleEndian.Uint64(b[at-8:at]) ^ asciiZeros) >> (64 - 8*last) << (64 - 8*last)
		front := (binary.LittleEndian.Uint64(b[at-16:at-8]) ^ asciiZeros) >> (64 - 8*first) << (64 - 8*first)
		if (end|(end+digitLimit)|front|(front+digitLimit))&highHalves != 0 {
			break
		}
		wide := float64(joinDigits(front)*1e8+joinDigits(end)) * negativePowersOf10[digits]
		if rest := math.Float64bits(wide) & low; rest-(middle-margin) <= 2*margin {
			break
		}
		binary.LittleEndian.PutUint32(row[done:], math.Float32bits(float32(wide))|uint32(sign)<<31)
		done += 4
		i = at + 1
	}
	return done, i
}

const (
	asciiZeros = 0x3030303030303030
	digitLimit = 0x0606060606060606 // lifts what is above 9 into the high half of its byte
	highHalves = 0xF0F0F0F0F0F0F0F0
)

// digitsBefore counts the ASCII digits from the first (lowest) byte of word.
func digitsBefore(word uint64) int {
	word ^= asciiZeros
	return bits.TrailingZeros64((word|(word+digitLimit))&highHalves) / 8
}

// joinDigits is the number that eight bytes from 0 to 9 spell.
func joinDigits(word uint64) uint64 {
	word = word * (1 + 10<<8) >> 8 & 0x00FF00FF00FF00FF
	word = word * (1 + 100<<16) >> 16 & 0x0000FFFF0000FFFF
	return word * (1 + 10000<<32) >> 32
}
