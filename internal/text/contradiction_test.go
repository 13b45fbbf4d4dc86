package text

import (
	"fmt"
	"testing"
	"testing/fstest"

	"golang.org/x/text/message/catalog"
)

func TestSameKeyTranslatedTwiceDifferentlyIsAnError(t *testing.T) {
	same := fstest.MapFS{
		"catalog/de/a.json": {Data: []byte(`{"Copy": "Kopieren"}`)},
		"catalog/de/b.json": {Data: []byte(`{"Copy": "Kopieren"}`)},
	}
	different := fstest.MapFS{
		"catalog/de/a.json": {Data: []byte(`{"Copy": "Kopieren"}`)},
		"catalog/de/b.json": {Data: []byte(`{"Copy": "Abschreiben"}`)},
	}

	if _, err := load(same, German); err != nil {
		t.Error(err)
	}
	if _, err := load(different, German); err == nil {
		t.Error("two translations of one key were taken")
	}
}

// CheckCatalogues reports what is wrong with the embedded files: for the tests of the package's promises.
func CheckCatalogues() error {
	for _, lang := range []Language{English, German} {
		entries, err := load(files, lang)
		if err != nil {
			return err
		}
		for key, e := range entries {
			same := func(s string) string { return s }
			if err := catalog.NewBuilder().Set(lang.tag(), key, e.message(same)); err != nil {
				return fmt.Errorf("%s %q: %w", lang, key, err)
			}
		}
	}
	return nil
}
