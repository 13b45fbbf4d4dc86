package keyring

import (
	"context"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/internal/apikey"
)

// FormLoader is a Loader that knows forms of keys that were made elsewhere. Without it there are none.
type FormLoader interface {
	// LoadForms returns the forms of all imports that have a key left.
	LoadForms(ctx context.Context) ([]apikey.Form, error)
}

type formsView struct {
	forms   []apikey.Form
	checked uint64
}

// Forms returns the forms of imported keys as they are now: after an import it waits for a reload. Warm it costs two atomic loads. It fails with ErrUnavailable,
// or with ctx's error. Don't change the slice.
func (r *Ring) Forms(ctx context.Context) ([]apikey.Form, error) {
	loader, ok := r.loader.(FormLoader)
	if !ok {
		return nil, nil
	}
	if apart(r.options.now().UnixNano(), r.polled.Load()) > int64(r.options.StaleMax) {
		return nil, fmt.Errorf("%w: the change feed has been silent for too long", ErrUnavailable)
	}
	if view := r.forms.Load(); view != nil && view.checked >= r.imports.Load() {
		return view.forms, nil
	}
	r.mu.Lock()
	f := r.reading
	if f == nil {
		f = &flight[[]apikey.Form]{done: make(chan struct{})}
		r.reading = f
		go r.loadForms(context.WithoutCancel(ctx), loader, f)
	}
	r.mu.Unlock()
	return f.wait(ctx)
}

func (r *Ring) loadForms(ctx context.Context, loader FormLoader, f *flight[[]apikey.Form]) {
	ctx, cancel := context.WithTimeout(ctx, r.options.LoadTimeout)
	defer cancel()
	defer close(f.done)
	defer func() {
		if cause := recover(); cause != nil {
			r.landForms(f, nil, 0, fmt.Errorf("%w: the load panicked: %v", ErrUnavailable, cause))
		}
	}()
	for range maxTries {
		before := r.applied.Load()
		forms, err := loader.LoadForms(ctx)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if r.landForms(f, forms, before, err) {
			return
		}
	}
	r.landForms(f, nil, 0, fmt.Errorf("%w: forms change faster than they load", ErrUnavailable))
}

// landForms ends the flight, unless an import overtook the load.
func (r *Ring) landForms(f *flight[[]apikey.Form], forms []apikey.Form, before uint64, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.imports.Load() > before {
		return false
	}
	if err == nil {
		r.forms.Store(&formsView{forms: forms, checked: before})
	}
	f.value, f.err = forms, err
	r.reading = nil
	return true
}
