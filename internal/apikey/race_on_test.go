//go:build race

package apikey_test

// The race detector makes sync.Pool forget at random: what is counted then says
// nothing about the program.
const poolForgets = true
