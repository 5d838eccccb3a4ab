package broker

// URL is where clients of other processes connect to a broker that runs and listens: port 0 took one that only it knows.
func (b *Broker) URL() string { return b.running.Load().ClientURL() }
