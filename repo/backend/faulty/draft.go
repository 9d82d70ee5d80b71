package faulty

import (
	"bytes"
	"context"

	"autochrome/repo/backend"
)

// Draft implements backend.Drafter. Each piece is an operation, and so is saving,
// which has the data as a whole.
func (w *wrapper) Draft(ctx context.Context, folder string) (backend.Draft, error) {
	d, err := backend.NewDraft(ctx, w.inner, folder)
	if err != nil {
		return nil, err
	}
	return &draft{Draft: d, wrapper: w, folder: folder}, nil
}

type draft struct {
	backend.Draft
	wrapper *wrapper
	folder  string
	data    []byte // what the one within should have
}

func (d *draft) Write(ctx context.Context, data []byte) error {
	op := &Op{Kind: Write, Name: d.folder, Data: data}
	return d.wrapper.do(op, func() error {
		d.data = append(d.data, op.Data...)
		return d.Draft.Write(ctx, op.Data)
	})
}

// Save saves the draft, or what a fault made of it.
func (d *draft) Save(ctx context.Context, name string) error {
	op := &Op{Kind: Save, Name: name, Data: d.data}
	return d.wrapper.do(op, func() error {
		if !bytes.Equal(op.Data, d.data) {
			return d.wrapper.inner.Save(ctx, name, op.Data)
		}
		return d.Draft.Save(ctx, name)
	})
}
