# Probes between machines, with what perl-base has. `listen` holds ports open for a while, `probe`
# tries connections. Lines come on standard input, answers go to standard output, words between tabs.
use strict;
use warnings;
use Errno qw(EADDRINUSE ECONNREFUSED EINPROGRESS EHOSTUNREACH ENETUNREACH);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use POSIX ();
use Socket qw(:DEFAULT :addrinfo inet_pton pack_sockaddr_in6 unpack_sockaddr_in6 IPPROTO_TCP);

my %NUMBER = (tcp => 6, udp => 17, vrrp => 112, icmp => 1, icmp6 => 58);
my ($mode, @arguments) = @ARGV;
$| = 1;
$0 = "voipadmin-preflight $mode";
$mode eq 'listen' ? hold(@arguments) : probe();

sub family { return $_[0] =~ /:/ ? AF_INET6 : AF_INET }

sub sockaddr {
    my ($ip, $port) = @_;
    my $packed = inet_pton(family($ip), $ip);
    return $ip =~ /:/ ? pack_sockaddr_in6($port, $packed) : pack_sockaddr_in($port, $packed);
}

sub made {
    my ($protocol, $ip) = @_;
    my $type = $protocol eq 'tcp' ? SOCK_STREAM : $protocol eq 'udp' ? SOCK_DGRAM : SOCK_RAW;
    socket(my $socket, family($ip), $type, $NUMBER{$protocol}) or return;
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
    return $socket;
}

# listen SECONDS PARENT: `key protocol ip port` a line; a child holds what could be bound until it is
# told to end, its parent is gone, or the time is over. TCP answers by itself, UDP gives back.
sub hold {
    my ($seconds, $parent) = @_;
    my @held;
    while (my $line = <STDIN>) {
        chomp $line;
        my ($key, $protocol, $ip, $port) = split /\t/, $line;
        my $socket = made($protocol, $ip);
        setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) if $socket && $protocol eq 'tcp';
        if ($socket && bind($socket, sockaddr($ip, $port)) && ($protocol ne 'tcp' || listen($socket, 128))) {
            push @held, [$socket, $protocol];
            print "bound\t$key\n";
        } else {
            print $! == EADDRINUSE ? "busy\t$key\n" : "unbound\t$key\t$!\n";
        }
    }
    my $child = fork();
    die "No process could be made: $!\n" unless defined $child;
    if ($child) { print "held\t$child\n"; return }
    POSIX::setsid();
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>', '/dev/null');
    open(STDERR, '>', '/dev/null');
    my $end = time + $seconds;
    while (time < $end && (kill(0, $parent) || $!{EPERM})) {
        my $readable = '';
        vec($readable, fileno($_->[0]), 1) = 1 for @held;
        next unless select($readable, undef, undef, 0.5) > 0;
        for my $one (grep { vec($readable, fileno($_->[0]), 1) } @held) {
            my ($socket, $protocol) = @$one;
            if ($protocol eq 'tcp') { accept(my $client, $socket); next }
            my $from = recv($socket, my $data, 2048, 0);
            next unless defined $from && length $from;
            if ($protocol eq 'vrrp') {
                my ($seen) = $data =~ /(voipadmin \w+ )ask/ or next;
                send($socket, $seen . 'answer', 0, $from);
            } else {
                send($socket, $data, 0, $from);
            }
        }
    }
    POSIX::_exit(0);
}

# probe: `key protocol source target port seconds payload` a line, all tried side by side.
sub probe {
    my (@open, %done);
    my $sequence = 0;
    while (my $line = <STDIN>) {
        chomp $line;
        my %one;
        @one{qw(key protocol source target port seconds payload)} = split /\t/, $line;
        if ($one{target} !~ /^[0-9a-fA-F:.]+$/) {
            my ($error, @found) = getaddrinfo($one{target}, undef, {socktype => SOCK_DGRAM});
            if ($error || !@found) { answer(\%one, 'unresolved', "$error"); next }
            $one{target} = (getnameinfo($found[0]{addr}, NI_NUMERICHOST))[1];
        }
        my $protocol = $one{protocol} eq 'icmp' && $one{target} =~ /:/ ? 'icmp6' : $one{protocol};
        $one{protocol} = $protocol;
        $one{socket} = made($protocol, $one{target});
        if (!$one{socket}) { answer(\%one, 'untried', "$!"); next }
        $one{sequence} = ++$sequence;
        if ($one{source} && !bind($one{socket}, sockaddr($one{source}, 0))) {
            answer(\%one, 'untried', "$one{source}: $!");
            next;
        }
        $one{end} = time + $one{seconds};
        my $connected = connect($one{socket}, sockaddr($one{target}, $one{port} || 0));
        if (!$connected && $! != EINPROGRESS) { answer(\%one, word(), "$!"); next }
        push @open, \%one;
    }
    my $turn = 0;
    while (@open) {
        if ($turn++ % 4 == 0) { ask($_) for grep { $_->{protocol} ne 'tcp' } @open }
        my ($readable, $writable) = ('', '');
        vec($_->{protocol} eq 'tcp' ? $writable : $readable, fileno($_->{socket}), 1) = 1 for @open;
        select($readable, $writable, undef, 0.25);
        for my $one (@open) {
            my $number = fileno($one->{socket});
            settle($one) if vec($one->{protocol} eq 'tcp' ? $writable : $readable, $number, 1);
            answer($one, 'silent', '') if !$one->{answered} && time > $one->{end};
        }
        @open = grep { !$_->{answered} } @open;
    }
}

sub ask {
    my ($one) = @_;
    my $data = $one->{payload} ? pack('H*', $one->{payload}) : "voipadmin $$ ask";
    if ($one->{protocol} =~ /^icmp/) {
        my $type = $one->{protocol} eq 'icmp6' ? 128 : 8;
        $data = pack('CCnnn', $type, 0, 0, $$ & 0xffff, $one->{sequence}) . 'voipadmin';
        $data = pack('CCnnn', $type, 0, sum($data), $$ & 0xffff, $one->{sequence}) . 'voipadmin';
    }
    send($one->{socket}, $data, 0);
}

sub sum {
    my ($data) = @_;
    my $sum = 0;
    $sum += $_ for unpack('n*', length($data) % 2 ? "$data\0" : $data);
    $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
    return ~$sum & 0xffff;
}

sub settle {
    my ($one) = @_;
    if ($one->{protocol} eq 'tcp') {
        $! = unpack('i', getsockopt($one->{socket}, SOL_SOCKET, SO_ERROR));
        return answer($one, $! ? word() : 'open', $! ? "$!" : '');
    }
    my $from = recv($one->{socket}, my $data, 2048, 0);
    return answer($one, word(), "$!") unless defined $from;
    if ($one->{protocol} =~ /^icmp/) {
        $data = substr($data, (ord($data) & 15) * 4) if $one->{protocol} eq 'icmp';
        my ($type, undef, undef, $id, $sequence) = unpack('CCnnn', $data);
        my $reply = $one->{protocol} eq 'icmp6' ? 129 : 0;
        return unless $type == $reply && $id == ($$ & 0xffff) && $sequence == $one->{sequence};
    } elsif ($one->{protocol} eq 'vrrp') {
        return unless $data =~ /voipadmin $$ answer/;
    }
    answer($one, 'open', '');
}

sub word {
    return 'refused' if $! == ECONNREFUSED;
    return 'unreachable' if $! == EHOSTUNREACH || $! == ENETUNREACH;
    return 'failed';
}

sub answer {
    my ($one, $word, $why) = @_;
    $one->{answered} = 1;
    # Closed by reset: the target keeps no socket waiting that a later listener would stumble over.
    setsockopt($one->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0))
        if $one->{socket} && $one->{protocol} eq 'tcp';
    close($one->{socket}) if $one->{socket};
    print "$word\t$one->{key}\t$why\n";
}
