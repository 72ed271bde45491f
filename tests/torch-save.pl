#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# torch-save.pl: writes the float tensors of a .safetensors file as torch.save
# would, whole or with one fault.
#
#   torch-save.pl IN.safetensors OUT.bin FORM [FAULT [A [B]]]
#
# FORM is legacy or zip.  Faults: alias (tensor B lies where A does), expand
# (A is one element, repeated), lie (A's storage is said to be longer), short
# (and its own count says so too), nan, tail, tar, code (a call among the
# values); of zips also crc, overlap, twice, order (a big-endian writer).
use strict;
use warnings;

my ($in, $out, $form, $fault, $a, $b) = (@ARGV, '', '', '');
open my $f, '<:raw', $in or die "$in: $!";
my $all = do { local $/; <$f> };
my $length = unpack 'Q<', $all;
my $header = substr $all, 8, $length;
my (@names, %dims, %data, %key);

while ($header =~ /"([^"]+)":\{"dtype":"F32","shape":\[([0-9,]*)\],"data_offsets":\[([0-9]+),([0-9]+)\]/g) {
    push @names, $1;
    $dims{$1} = [split /,/, $2];
    $data{$1} = substr $all, 8 + $length + $3, $4 - $3;
    $key{$1} = "s$#names";
}

sub str { return 'X' . pack('V', length $_[0]) . $_[0] }
sub int_ { return 'J' . pack 'V', $_[0] }
sub tuple { return '(' . join('', map { int_($_) } @_) . 't' }

sub tensor {
    my ($name) = @_;
    my @d = @{$dims{$name}};
    my $n = length($data{$name}) / 4;
    my @strides;
    my $x = 1;

    for (reverse @d) { unshift @strides, $x; $x *= $_ }
    @strides = (0) x @d if $fault eq 'expand' && $name eq $a;
    $n++ if $fault =~ /^(?:lie|short)$/ && $name eq $a;
    return "ctorch._utils\n_rebuild_tensor_v2\n((" . str('storage')
        . "ctorch\nFloatStorage\n" . str($key{$name}) . str('cpu') . int_($n)
        . 'NtQ' . int_(0) . tuple(@d) . tuple(@strides)
        . "\x89ccollections\nOrderedDict\n)RtR";
}

$key{$b} = $key{$a} if $fault eq 'alias';
$data{$a} = substr $data{$a}, 0, 4 if $fault eq 'expand';
substr($data{$a}, 8, 4) = pack 'V', 0x7fc00000 if $fault eq 'nan';
my @kept = grep { !($fault eq 'alias' && $_ eq $b) } @names;
my $object = "\x80\x02ccollections\nOrderedDict\n)R("
    . join('', map { str($_) . tensor($_) } @names)
    . ($fault eq 'code' ? str('x') . "cposix\nsystem\n" . str('touch hit')
                          . "\x85R" : '') . 'u.';

sub legacy {
    my $pad = 'x' x 200;
    my $text = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
        . "\x80\x02M\xe9\x03.\x80\x02}(" . str('pad') . str($pad)
        . str('little_endian') . "\x88u." . $object . "\x80\x02]("
        . join('', map { str($key{$_}) } @kept) . 'e.';

    for (@kept) {
        my $n = length($data{$_}) / 4;
        $n++ if $fault eq 'short' && $_ eq $a;
        $text .= pack('Q<', $n) . $data{$_};
    }
    if ($fault eq 'tar') {
        substr($text, 148, 8) = ' ' x 8;
        my $sum = 0;
        $sum += ord for split //, substr $text, 0, 512;
        substr($text, 148, 8) = sprintf "%06o\0 ", $sum;
    }
    return $text;
}

my @table = map {
    my $c = $_;
    $c = $c & 1 ? $c >> 1 ^ 0xedb88320 : $c >> 1 for 1 .. 8;
    $c
} 0 .. 255;

sub crc {
    my $c = 0xffffffff;

    $c = $c >> 8 ^ $table[($c ^ $_) & 255] for unpack 'C*', $_[0];
    return $c ^ 0xffffffff;
}

sub zip {
    my @entries = (['data.pkl', $object],
                   map { ["data/$key{$_}", $data{$_}] } @kept);
    my ($body, $cd, $first) = ('', '', 0);

    push @entries, ['byteorder', $fault eq 'order' ? 'big' : 'little'];
    push @entries, $entries[1] if $fault eq 'twice';
    for my $e (@entries) {
        my ($name, $bytes) = ("archive/$e->[0]", $e->[1]);
        my ($at, $crc, $n) = (length $body, crc($bytes), length $bytes);

        $crc ^= 1 if $fault eq 'crc' && $e == $entries[2];
        $at = $first if $fault eq 'overlap' && $e == $entries[2];
        $first = $at if $e == $entries[1];
        my $common = pack 'vvvvvVVV', 20, 0, 0, 0, 0, $crc, $n, $n;
        $body .= pack('V', 0x04034b50) . $common
            . pack('vv', length $name, 0) . $name . $bytes;
        $cd .= pack('Vv', 0x02014b50, 20) . $common
            . pack('vvvvvVV', length $name, 0, 0, 0, 0, 0, $at) . $name;
    }
    return $body . $cd . pack 'VvvvvVVv', 0x06054b50, 0, 0, scalar @entries,
        scalar @entries, length $cd, length $body, 0;
}

open my $o, '>:raw', $out or die "$out: $!";
print $o $form eq 'zip' ? zip() : legacy(), $fault eq 'tail' ? 'x' : '';
close $o or die "$out: $!";
