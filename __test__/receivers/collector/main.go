// The OpenTelemetry Collector's OTLP receiver for profiles over HTTP. Writes the address that it listens on as the first
// line, then each request that it took as a line of JSON, by the Collector's own encoder.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/xconsumer"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/xreceiver"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// print is the end of the pipeline.
func print(_ context.Context, profiles pprofile.Profiles) error {
	text, err := (&pprofile.JSONMarshaler{}).MarshalProfiles(profiles)
	if err != nil {
		return refuse(err)
	}
	// Every index into the dictionary is followed when two requests become one, as in a Collector that makes batches. There
	// it is too late to tell the sender.
	if err := profiles.MergeTo(pprofile.NewProfiles()); err != nil {
		return refuse(err)
	}
	_, err = fmt.Printf("%s\n", text)
	return err
}

// refuse is 400 over HTTP: the fault is the sender's.
func refuse(err error) error {
	return status.Error(codes.InvalidArgument, err.Error())
}

func run(ctx context.Context) error {
	// The receiver takes no listener and tells nobody the port that it was given: so it gets one that was free just now.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}

	factory := otlpreceiver.NewFactory().(xreceiver.Factory)
	conf := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	conf.Protocols.HTTP.GetOrInsertDefault().ServerConfig.NetAddr.Endpoint = address
	next, err := xconsumer.NewProfiles(print)
	if err != nil {
		return err
	}
	settings := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
		BuildInfo:         component.NewDefaultBuildInfo(),
	}
	profiles, err := factory.CreateProfiles(ctx, settings, conf, next)
	if err != nil {
		return err
	}
	if err := profiles.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	fmt.Printf("http://%s\n", address)

	<-ctx.Done()
	return profiles.Shutdown(context.Background())
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Println(err)
		os.Exit(1)
	}
}
