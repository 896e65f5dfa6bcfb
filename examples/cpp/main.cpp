// Digits in C++17: how many of a hundred images are right, and how sure the network is.
#include <algorithm>
#include <array>
#include <cstdio>

#include "digits.hpp"

#include "../two_tasks/samples.h"

int main()
{
    digits::Model model; // has the memory that it works in; threads take one each
    std::array<float, digits::input_size> image{};
    std::array<float, digits::output_size> probabilities{};
    int right = 0;
    float least = 1.0f;
    for (int k = 0; k < SAMPLES; k++) {
        std::copy(std::begin(samples[k]), std::end(samples[k]), image.begin());
        if (model.predict(image, probabilities) != DIGITS_OK) {
            return 1;
        }
        const std::size_t found = digits::best(probabilities);
        right += found == labels[k];
        least = std::min(least, probabilities[found]);
    }
    std::printf("%d of %d right, at least %.0f %% sure\n", right, SAMPLES, 100.0 * static_cast<double>(least));
    return 0;
}
