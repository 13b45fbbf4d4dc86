package ratelimit

import "time"

// Patient has Redis waited for longer than a busy machine makes it late, so that only a Redis that does not answer counts as one.
func Patient() { redisTimeout = time.Second }
