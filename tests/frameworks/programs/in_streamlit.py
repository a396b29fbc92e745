import streamlit as st
import beautyspot as bs
spot = bs.Spot("app")
@spot.mark
def forecast(year: int) -> float: print("ran forecast"); return year * 1.5
@st.cache_data
def cached(year: int) -> float: return forecast(year + 100)
year = st.number_input("year", value=1)
@spot.mark
def greeting(year: int) -> str: return f"{st.session_state.name} {year}"
st.session_state.name = "Ann"
greeting(year)
st.text(f"{forecast(year)} {cached(year)}")
