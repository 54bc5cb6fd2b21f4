"""The column to predict in some curated tables, chosen for a mix of sizes and kinds of columns."""

from collections.abc import Mapping

_TARGETS = """
openintro/loans_full_schema interest_rate
modeldata/ames Sale_Price
openintro/births14 weight
openintro/evals score
openintro/mariokart total_pr
openintro/duke_forest price
openintro/epa2021 comb_mpg
ggplot2/diamonds price
ggplot2/mpg hwy
AER/CPS1985 wage
AER/HousePrices price
AER/Fatalities fatal
AER/Guns violent
AER/CreditCard card
AER/BankWages job
AER/CASchools math
Ecdat/Cigar sales
Ecdat/Produc gsp
plm/Wages lwage
Ecdat/Hedonic mv
Ecdat/Computers price
Ecdat/Grunfeld inv
wooldridge/wage1 wage
wooldridge/mroz inlf
wooldridge/crime4 crmrte
MASS/Boston medv
MASS/Cars93 Price
MASS/birthwt low
MASS/Pima.te type
ISLR/Carseats Sales
ISLR/College Grad.Rate
ISLR/Credit Balance
ISLR/Hitters Salary
ISLR/OJ Purchase
ISLR/Wage wage
ISLR/Auto mpg
modeldata/attrition Attrition
modeldata/credit_data Status
modeldata/mlc_churn churn
modeldata/Sacramento price
modeldata/stackoverflow Remote
modeldata/hpc_data class
modeldata/penguins species
modeldata/concrete compressive_strength
modeldata/car_prices Price
modeldata/Chicago ridership
dslabs/gapminder life_expectancy
nycflights13/weather temp
ggplot2/txhousing sales
dplyr/starwars height
dplyr/storms wind
nycflights13/planes seats
datasets/airquality Ozone
datasets/ChickWeight weight
carData/TitanicSurvival survived
carData/Salaries salary
carData/SLID wages
carData/Chile vote
causaldata/scorecard earnings_med
openintro/mlb_teams wins
modeldata/tate_text year
"""

CURATED_TARGETS: Mapping[str, str] = dict(line.split() for line in _TARGETS.strip().splitlines())
"""Table → target."""
