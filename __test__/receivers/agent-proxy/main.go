// The part of the Datadog Agent that takes profiles: its own HTTP receiver, which hands them on to an intake. What else an
// Agent does is left out. Writes the address that it listens on as the first line, and ends when it is told to.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/DataDog/datadog-agent/pkg/trace/api"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"github.com/DataDog/datadog-agent/pkg/trace/sampler"
	"github.com/DataDog/datadog-agent/pkg/trace/telemetry"
	"github.com/DataDog/datadog-agent/pkg/trace/timing"
	"github.com/DataDog/datadog-go/v5/statsd"
)

func main() {
	intake := flag.String("intake", "", "`URL` that profiles are handed on to")
	key := flag.String("key", "", "API `key` that is added on the way")
	socket := flag.String("socket", "", "`path` of a Unix socket to listen on as well")
	timeout := flag.Int("timeout", 0, "`seconds` that an upload may take; 0 for as long as the Agent allows by itself")
	flag.Parse()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	conf := config.New()
	conf.Hostname = "agent-host"
	conf.DefaultEnv = "agent-env"
	conf.AgentVersion = "0.0.0-test"
	conf.ReceiverHost = "127.0.0.1"
	// Has to be set for the receiver to look at the listener at all.
	conf.ReceiverPort = listener.Addr().(*net.TCPAddr).Port
	conf.ReceiverSocket = *socket
	conf.Endpoints[0].APIKey = *key
	conf.ProfilingProxy.DDURL = *intake
	conf.ProfilingProxy.ReceiverTimeout = *timeout

	metrics := &statsd.NoOpClient{}
	receiver := api.NewHTTPReceiver(
		conf, sampler.NewDynamicConfig(),
		// Nobody reads what is sent here: traces are not for this program.
		make(chan *api.Payload), make(chan *api.PayloadV1), nil,
		telemetry.NewNoopCollector(), metrics, timing.New(metrics),
	)
	receiver.SetTCPListener(listener)
	receiver.Start()
	fmt.Printf("http://%s\n", listener.Addr())

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}
