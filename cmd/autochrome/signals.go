package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// oneSignal is how long after the first signal to stop others belong to it:
// timeout(1), for one, signals a command and then the command's whole group.
const oneSignal = time.Second

// untilSignal gives a context that ends with the first signal to stop: the work is
// then ended in good order. A later one finds nobody listening and kills. Not so
// SIGHUP: a terminal that goes away may say so twice, and nobody waits there.
func untilSignal(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	came := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // by nohup
		signal.Notify(came, syscall.SIGHUP)
	}
	signal.Notify(came, signals...)
	go func() {
		<-came
		cancel()
		time.Sleep(oneSignal)
		signal.Reset(signals...)
	}()
	return ctx
}

// outliveReaders makes it an error to write what nobody reads any more, where it
// would end the program: what is under way shall end in good order. The signal is not
// ignored, which commands that are started would inherit.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
