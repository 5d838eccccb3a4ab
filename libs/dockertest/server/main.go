// Command server is what runs in the containers of tests. It serves HTTP at $LISTEN:
//
//	/     the content of /version, which is in the image
//	/env  its environment, each variable ended by a zero byte
//
// A version that begins with "dead" ends at once, with status 3. One that begins with "sick"
// serves and says of itself that it is not healthy; "healthy" is the argument that asks for that.
// SIGTERM ends it.
//
// Tests pack, send and unpack it for each release, and Docker copies it for each image and
// container. So it is small: it does without net/http, which is most of a program.
package main

import (
	"bufio"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	version, err := os.ReadFile("/version")
	if err != nil {
		say(err.Error())
		os.Exit(1)
	}
	is := func(state string) bool { return strings.HasPrefix(string(version), state) }
	if len(os.Args) > 1 && os.Args[1] == "healthy" {
		if is("sick") {
			say("the server is sick")
			os.Exit(1)
		}
		return
	}
	if is("dead") {
		say("no configuration: giving up")
		os.Exit(3)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		os.Exit(0)
	}()
	say(serve(version).Error())
	os.Exit(1)
}

func say(text string) { _, _ = os.Stdout.WriteString(text + "\n") }

// serve answers requests until it cannot.
func serve(version []byte) error {
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go answer(conn, version)
	}
}

// answer reads a request to its end, and closes the connection after the response.
func answer(conn net.Conn, version []byte) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	request, err := in.ReadString('\n')
	for line := request; err == nil && strings.TrimSpace(line) != ""; {
		line, err = in.ReadString('\n')
	}
	if err != nil {
		return
	}
	body := string(version)
	if strings.HasPrefix(request, "GET /env ") {
		body = strings.Join(os.Environ(), "\x00") + "\x00"
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body))
}
