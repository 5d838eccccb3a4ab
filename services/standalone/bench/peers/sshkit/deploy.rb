# Ships a release with SSHKit, the engine of Capistrano.
require "sshkit"
require "sshkit/dsl"
include SSHKit::DSL

SSHKit.config.use_format :blackhole # only failures are told, as exceptions
SSHKit::Backend::Netssh.configure do |ssh|
  ssh.ssh_options = {
    config: [ENV.fetch("SHIP_SSH_CONFIG")], verify_host_key: :always,
    # Without, a thread in some hundreds waits for ever between two commands.
    keepalive: true, keepalive_interval: 5, keepalive_maxcount: 100
  }
end

base, version = ENV.fetch("SHIP_BASE"), ENV.fetch("SHIP_VERSION")
archive, release = "#{base}/#{version}.tar.gz", "#{base}/releases/#{version}"
hosts = File.readlines(ENV.fetch("SHIP_HOSTS"), chomp: true)

on hosts, in: :parallel do
  execute :mkdir, "-p", release
  upload! ENV.fetch("SHIP_ARCHIVE"), archive
  execute :echo, "#{ENV.fetch('SHIP_SHA256')}  #{archive}", "|", :sha256sum, "-c", "-"
  execute :tar, "-xzf", archive, "-C", release
  execute :rm, archive
  within base do
    execute :ln, "-sfn", "releases/#{version}", "current.new"
    execute :mv, "-T", "current.new", "current"
  end
end
