package audit

// Crash has a run of the archive end at a point, as a crash there would: with whatever fn returns, and nothing tidied.
func (a *Archives) Crash(fn func(point string) error) { a.crash = fn }

// InPartsOf makes parts of so many events.
func (a *Archives) InPartsOf(n int) { a.size = n }
