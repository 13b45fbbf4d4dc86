//go:build !race

package apikey_test

const poolForgets = false
