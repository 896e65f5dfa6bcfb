/* As much of Arduino's core as a sketch of edgeq needs; what it prints goes to stdout. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#define LED_BUILTIN 13
#define OUTPUT 1
#define HIGH 1
#define LOW 0
struct Port {
    void begin(long) {}
    void print(const char *text) { fputs(text, stdout); }
    void println(int number) { printf("%d\n", number); }
};
static Port Serial;
static int blinks;
static inline void pinMode(int, int) {}
static inline void digitalWrite(int, int level) { blinks += level; }
static inline void delay(unsigned) {}
