# SPDX-License-Identifier: MIT
# lib/rounds.pl: one command run again and again under faults, and what must
# hold each time; for parts of scripts/check.d, after part.pl.
#
#   set_up($folder)                  -> cases (tests/fault-cases.sh)
#   my $plain = plain($case)         what the command does without faults
#   my $run = run_case($case, %env)  one round
#   judge($case, $plain, $run)       -> sentences about what did not hold
#
# All of it happens in the folder that set_up made and went to.
use strict;
use warnings;
use Cwd ();
use Digest::MD5;
use File::Path 'remove_tree';
use FindBin;
use JSON::PP ();
use POSIX ();

our $source = Cwd::abs_path("$FindBin::Bin/../..");
our $build;                     # of part.pl
our $PATIENCE = 60;             # seconds: a round takes milliseconds
our $logs = '.';                # where output goes, files "out" and "err"

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or return '';
    local $/;
    return <$in> // '';
}

# Programs see this environment and no more.
sub environment {
    my ($folder) = @_;
    return (PATH => "$build/bin:$ENV{PATH}", LC_ALL => 'C.UTF-8',
        HOME => $folder, TMPDIR => "$folder/tmp", BLINK_DATA => "$folder/none",
        SOURCE_DATE_EPOCH => 1700000000, top_srcdir => $source,
        top_builddir => $build,
        ASAN_OPTIONS => 'exitcode=99:allocator_may_return_null=1:'
            . 'verify_asan_link_order=0:detect_leaks=1',
        LSAN_OPTIONS => "print_suppressions=0:suppressions=$source/tests/lsan.supp");
}

# Makes the inputs in `folder`, goes there, and returns the cases.
sub set_up {
    my ($folder) = @_;
    remove_tree($folder);
    mkdir $folder or die "cannot make '$folder': $!\n";
    chdir $folder or die "cannot enter '$folder': $!\n";
    mkdir 'tmp';
    %ENV = environment($folder);
    my $table = qx($source/tests/fault-cases.sh 2>tmp/log);
    die "fault-cases.sh failed:\n", slurp('tmp/log') if $?;
    unlink 'tmp/log';
    return map {
        my ($name, $target, $input, @command) = split ' ';
        { name => $name, target => $target eq '-' ? undef : $target,
          input => $input eq '-' ? '/dev/null' : $input,
          command => \@command, old => -e "old/$name" ? "old/$name" : undef };
    } split /\n/, $table;
}

# What a file or folder is, modes included; '' when it is not there.
sub state_of {
    my ($path) = @_;
    return '' unless defined $path && lstat $path;
    my $mode = sprintf '%o', (lstat _)[2];
    return "$mode link " . readlink $path if -l _;
    return "$mode " . Digest::MD5::md5_hex(slurp($path)) if !-d _;
    opendir my $dir, $path or return "$mode unreadable";
    return join "\n", $mode, map { "$_ " . state_of("$path/$_") }
        sort grep { !/^\.\.?$/ } readdir $dir;
}

sub names_in {
    my ($path) = @_;
    opendir my $dir, $path or return ();
    return map { $path eq '.' ? $_ : "$path/$_" } grep { !/^\.\.?$/ }
        readdir $dir;
}

# The target as it was before, and nothing that another round left.
sub restore {
    my ($case) = @_;
    my $target = $case->{target} or return;
    $case->{before} //= state_of($case->{old});
    return if state_of($target) eq $case->{before};
    remove_tree($target);
    system 'cp', '-a', $case->{old}, $target if $case->{old};
}

# Starts the command, with its group of processes for kill(), and returns the
# number of the process.
sub start_case {
    my ($case, %env) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    setpgrp 0, 0;
    @ENV{keys %env} = values %env;
    open STDIN, '<', $case->{input};
    open STDOUT, '>', "$logs/out";
    open STDERR, '>', "$logs/err";
    exec { $case->{command}[0] } @{ $case->{command} } or POSIX::_exit(127);
}

# Waits for it, and returns what can be seen then.
sub finish_case {
    my ($case, $pid) = @_;
    my $late = 0;
    local $SIG{ALRM} = sub { $late = 1; kill 'KILL', -$pid };
    alarm $PATIENCE;
    1 while waitpid($pid, 0) < 0 && $!{EINTR};
    alarm 0;
    return { status => $? >> 8, signal => $? & 127, late => $late,
             out => slurp("$logs/out"), err => slurp("$logs/err"),
             target => state_of($case->{target}) };
}

# What is in the folder that was not there.  A checkpoint of training, and its
# log, are to stay.
sub left_behind {
    my ($case, %there) = @_;
    my $target = $case->{target} // '-';
    return (grep { !$there{$_} && !/^\Q$target\E(\.|\z)/ } names_in('.')),
        names_in('tmp');
}

# Everything but the target that is not in %there goes.
sub sweep {
    my ($case, %there) = @_;
    my $target = $case->{target} // '-';
    remove_tree((grep { !$there{$_} && $_ ne $target } names_in('.')),
                names_in('tmp'));
}

sub run_case {
    my ($case, %env) = @_;
    restore($case);
    my %there = map { $_ => 1 } names_in('.'), 'out', 'err', 'mark';
    my $run = finish_case($case, start_case($case, %env));
    $run->{left} = [left_behind($case, %there)];
    sweep($case, %there);
    return $run;
}

# The command without faults, twice: rounds are compared with what it does.
sub plain {
    my ($case) = @_;
    my $plain = run_case($case);
    my $again = run_case($case);
    die "$case->{name}: status $plain->{status}: $plain->{err}\n"
        if $plain->{signal} || $plain->{status} > 1;
    die "$case->{name}: the same run gives other results\n"
        if $plain->{out} ne $again->{out}
        || $plain->{target} ne $again->{target};
    return $plain;
}

# Lines that the undisturbed run has not must be JSON at least.
sub whole_lines {
    my ($plain, $out) = @_;
    return 1 if $out eq substr($plain, 0, length $out)
        && ($out eq '' || $out =~ /\n\z/ || length $out == length $plain);
    return 0 if $out !~ /\n\z/;
    for (split /\n/, $out) {
        return 0 unless eval { JSON::PP::decode_json($_); 1 };
    }
    return 1;
}

sub judge_success {
    my ($plain, $run) = @_;
    my @wrong;
    push @wrong, "status $run->{status}, but other output"
        if $run->{out} ne $plain->{out};
    push @wrong, "status $run->{status}, but not the new target"
        if $run->{target} ne $plain->{target};
    return @wrong;
}

sub judge_failure {
    my ($case, $plain, $run) = @_;
    my @wrong;
    push @wrong, "status $run->{status}" if $run->{status} != 4;
    push @wrong, 'no message' if $run->{err} !~ /^blink[a-z-]*: ./m;
    push @wrong, 'half a line, or one that is no JSON'
        unless whole_lines($plain->{out}, $run->{out});
    push @wrong, 'the target is neither the old one nor the new one'
        if defined $case->{target} && $run->{target} ne $case->{before}
        && $run->{target} ne $plain->{target};
    return @wrong;
}

# What libtorch does in its own way.
my @known = (qr/^status 3: Error in cpuinfo/);

sub judge {
    my ($case, $plain, $run) = @_;
    my @wrong = what_is_wrong($case, $plain, $run);
    return grep {
        my $text = "$_: $run->{err}" =~ s/\n.*//sr;
        !grep { $text =~ $_ } @known;
    } @wrong;
}

sub what_is_wrong {
    my ($case, $plain, $run) = @_;
    my @wrong;
    push @wrong, "still running after $PATIENCE s" if $run->{late};
    push @wrong, "signal $run->{signal}" if $run->{signal} && !$run->{late};
    push @wrong, 'a report of a sanitizer'
        if $run->{err} =~ /Sanitizer|runtime error:/;
    push @wrong, 'a temporary name in the message'
        if $run->{err} =~ /\.[0-9a-f]{16}\.tmp/;
    push @wrong, 'left behind: ' . join ' ', map { s/[0-9a-f]{16}/HEX/r }
        @{ $run->{left} } if @{ $run->{left} };
    return @wrong if $run->{late} || $run->{signal};
    push @wrong, $run->{status} == $plain->{status}
        ? judge_success($plain, $run) : judge_failure($case, $plain, $run);
    return @wrong;
}

# How to see a round again.
sub command_line {
    my ($case, $folder, %env) = @_;
    my %all = (%env, PATH => "$build/bin:\$PATH", BLINK_DATA => 'none',
        SOURCE_DATE_EPOCH => 1700000000);
    my @words = map { "$_=$all{$_}" } sort keys %all;
    my $before = $case->{target} ? "rm -rf $case->{target}; "
        . ($case->{old} ? "cp -a $case->{old} $case->{target}; " : '') : '';
    return "(cd $folder; ${before}env @words @{ $case->{command} }"
        . " <$case->{input})";
}
1;
