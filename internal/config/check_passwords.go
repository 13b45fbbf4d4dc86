package config

import "strconv"

// Fewer passes over 19 MiB are below OWASP's least; more than the most take seconds.
const leastPasses, mostPasses = 2, 10

func checkPasswords(raw variables, settings *Settings, problems *Problems) {
	if raw.PasswordPasses == "auto" {
		return
	}
	passes, err := strconv.ParseUint(raw.PasswordPasses, 10, 8)
	if err != nil || passes < leastPasses || passes > mostPasses {
		problems.add("GATEHOUSE_PASSWORD_PASSES", "is "+strconv.Quote(raw.PasswordPasses), "Give auto, or a number from 2 to 10")
		return
	}
	settings.PasswordPasses = uint32(passes)
}
