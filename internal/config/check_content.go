package config

import "os"

// checkContent wants a folder that is there: one that is misspelt would else go unseen until somebody misses a guide.
func checkContent(raw variables, settings *Settings, problems *Problems) {
	if raw.ContentDir == "" {
		return
	}
	if info, err := os.Stat(raw.ContentDir); err != nil || !info.IsDir() {
		problems.add("GATEHOUSE_CONTENT_DIR", "names "+raw.ContentDir+", which is no folder that can be read", "Make it, with guides/ and tutorials/ in it, or leave the variable unset")
	}
	settings.ContentDir = raw.ContentDir
}
